//! When a message that was not handled is delivered again.

use std::time::Duration;

use onecommit_environment::{Backoff, Environment, Timestamp};

use crate::delivery::Delivery;

/// Of the time that a message has been failing, the part that it waits at most for its next delivery.
///
/// An outage ends at a moment nobody knows. A message that waits in proportion to what it has waited so far is late in
/// proportion, too: a third means that after an outage of five minutes all is done within two minutes. Doubling with
/// each delivery would hide it for as long again as the outage lasted.
const OUTAGE: u32 = 3;
/// A message that fails by its own fault waits as long again as it has failed so far: nothing but time may help.
const OWN_FAULT: u32 = 1;

/// The wait of a message that fails because of something else.
pub(crate) fn after_outage(backoff: Backoff, delivery: &Delivery, environment: &Environment) -> Duration {
    wait(backoff, delivery, OUTAGE, environment)
}

/// The wait of a message that fails by its own fault.
pub(crate) fn after_own_fault(backoff: Backoff, delivery: &Delivery, environment: &Environment) -> Duration {
    wait(backoff, delivery, OWN_FAULT, environment)
}

/// How long the message has been failing, at most: zero for one whose queue does not say when it came first.
pub(crate) fn failing_for(delivery: &Delivery, now: Timestamp) -> Option<Duration> {
    delivery.first_received_at.map(|first| now.since(first))
}

/// Half of the wait is certain, the other half random: those who failed together spread out, and still a thousand
/// deliveries last for a week.
fn wait(backoff: Backoff, delivery: &Delivery, divisor: u32, environment: &Environment) -> Duration {
    let by_count = doubled(backoff, delivery.receive_count);
    let by_age = failing_for(delivery, environment.clock().now())
        .map_or(Duration::MAX, |failing| backoff.first.saturating_add(failing / divisor));
    let ceiling = by_count.min(by_age).min(backoff.longest);
    let half_us = u64::try_from(ceiling.as_micros() / 2).unwrap_or(u64::MAX);
    Duration::from_micros(half_us.saturating_add(environment.random().up_to(half_us)))
}

fn doubled(backoff: Backoff, receive_count: u32) -> Duration {
    let doublings = receive_count.saturating_sub(1).min(31);
    backoff.first.saturating_mul(1 << doublings)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use onecommit_environment::SeededRandom;

    use super::*;
    use crate::stopped::{Drawn, Stopped};

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(900),
    };

    fn stopped(now: Timestamp) -> Arc<Stopped> {
        Arc::new(Stopped(now, Instant::now()))
    }

    /// Deliveries of a message in an outage, and how long it waited after each.
    fn waits(count: u32) -> Vec<(Duration, Duration)> {
        let first = Timestamp::from_unix_ms(1_800_000_000_000);
        let random = Arc::new(SeededRandom::new(1));
        let mut failing = Duration::ZERO;
        let wait_once = |receive_count| {
            let environment = Environment::new(stopped(first.plus(failing)), random.clone());
            let delivery = Delivery {
                receive_count,
                first_received_at: Some(first),
                ..Delivery::default()
            };
            let wait = after_outage(BACKOFF, &delivery, &environment);
            let waited = (failing, wait);
            failing += wait;
            waited
        };
        (1..=count).map(wait_once).collect()
    }

    /// The shortest and the longest wait of a message that was received so often, first so many seconds ago.
    fn bounds(
        wait: fn(Backoff, &Delivery, &Environment) -> Duration,
        receive_count: u32,
        failing_s: Option<u32>,
    ) -> (Duration, Duration) {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let first = failing_s.map(|seconds| Timestamp::from_unix_ms(now.unix_ms() - 1_000 * i64::from(seconds)));
        let delivery = Delivery {
            receive_count,
            first_received_at: first,
            ..Delivery::default()
        };
        let with = |drawn| wait(BACKOFF, &delivery, &Environment::new(stopped(now), Arc::new(drawn)));
        (with(Drawn::Lowest), with(Drawn::Highest))
    }

    #[test]
    fn the_wait_follows_from_the_count_the_age_and_the_longest() {
        let seconds = |half, whole| (Duration::from_secs(half), Duration::from_secs(whole));
        for (receive_count, failing_s, outage, own_fault) in [
            (0, None, seconds(1, 2), seconds(1, 2)),
            (1, None, seconds(1, 2), seconds(1, 2)),
            (2, None, seconds(2, 4), seconds(2, 4)),
            (5, None, seconds(16, 32), seconds(16, 32)),
            (90, None, seconds(450, 900), seconds(450, 900)),
            (90, Some(60), seconds(11, 22), seconds(31, 62)),
            (90, Some(0), seconds(1, 2), seconds(1, 2)),
            (3, Some(6_000), seconds(4, 8), seconds(4, 8)),
        ] {
            let of = format!("{receive_count} deliveries, {failing_s:?} s");
            assert_eq!(bounds(after_outage, receive_count, failing_s), outage, "{of}");
            assert_eq!(bounds(after_own_fault, receive_count, failing_s), own_fault, "{of}");
        }
    }

    #[test]
    fn after_five_minutes_of_outage_the_wait_is_below_two() {
        for (failing, wait) in waits(100) {
            if failing <= Duration::from_secs(300) {
                assert!(wait <= Duration::from_secs(102), "{wait:?} after {failing:?}");
            }
        }
    }

    #[test]
    fn the_wait_grows_to_a_quarter_of_an_hour_and_no_further() {
        let waits: Vec<Duration> = waits(200).into_iter().map(|(_, wait)| wait).collect();
        assert!(waits.iter().all(|wait| *wait <= BACKOFF.longest));
        assert!(waits[100..].iter().all(|wait| *wait >= BACKOFF.longest / 2));
    }

    #[test]
    fn a_thousand_deliveries_outlast_a_day_many_times() {
        let (failing, _) = waits(1_000)[999];
        assert!(failing > Duration::from_secs(6 * 24 * 3600), "{failing:?}");
    }
}
