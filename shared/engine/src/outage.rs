//! What is out of reach for a handler is not asked for by every message that waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_environment::{Environment, Random};
use tokio::sync::Semaphore;

use crate::verdict::{RetryReason, Verdict};

/// Failures in a row, by something else's fault, from which on it is an outage.
const FAILURES_MIN: u32 = 2;
/// Between two tries of messages that have failed before: a fifth of the time the outage has lasted, within these.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The outages that the handlers of this process have met, by event type: other types may need other things.
///
/// In an outage, the messages that wait for its end come again and again, ever more of them. If each of them asked, the
/// database would get many times its normal load just when it is in trouble. So a message that is new is tried, once,
/// as always; of those that have failed before one at a time is, with pauses, and the others follow when it succeeds:
///
/// ```text
/// new message      try ✗   try ✗         try ✗        try ✓ ─┐
/// redelivered              try ✗ · · · · · · · try ✗         ├ the outage is over
/// redelivered              back                back          try ✓
/// ```
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<HashMap<&'static str, Outage>>);

#[derive(Debug)]
struct Outage {
    failures: u32,
    since: Instant,
    /// No message that has failed before is tried until then.
    pause_until: Instant,
    why: (RetryReason, String),
    /// The try that all others wait for.
    trial: Option<Waiting>,
}

/// May a message be tried that has failed before?
pub(crate) enum Admission {
    /// It may. The trial, if it is one, ends when this is dropped.
    Try { _trial: Option<Trial> },
    /// Another one is being tried; then ask again.
    After(Waiting),
    /// Not now.
    Back(RetryReason, String),
}

/// A try that others wait for, until this is dropped.
#[derive(Debug)]
pub(crate) struct Trial(Arc<Semaphore>);

/// Waits for the end of a try. Those who wait go on in the order in which they came, so that a simulated run can be
/// repeated; a watch channel wakes them in any order.
#[derive(Clone, Debug)]
pub(crate) struct Waiting(Arc<Semaphore>);

impl Trial {
    fn begin() -> (Self, Waiting) {
        let semaphore = Arc::new(Semaphore::new(0));
        (Self(Arc::clone(&semaphore)), Waiting(semaphore))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Waiting {
    pub(crate) async fn ended(&self) {
        // There are no permits: all it can tell is that it was closed.
        let _closed = self.0.acquire().await;
    }
}

impl Outages {
    pub(crate) fn admit(&self, event_type: &'static str, now: Instant) -> Admission {
        let mut outages = self.lock();
        let outage = match outages.get_mut(event_type) {
            Some(outage) if outage.failures >= FAILURES_MIN => outage,
            _ => return Admission::Try { _trial: None },
        };
        if let Some(trial) = outage.trial.as_ref().filter(|trial| !trial.0.is_closed()) {
            return Admission::After(trial.clone());
        }
        if now < outage.pause_until {
            let (reason, error) = outage.why.clone();
            return Admission::Back(reason, error);
        }
        let (trial, waiting) = Trial::begin();
        outage.trial = Some(waiting);
        Admission::Try { _trial: Some(trial) }
    }

    /// Whether a request that failed is better not repeated at once.
    pub(crate) fn is_under_way(&self, event_type: &str) -> bool {
        let outages = self.lock();
        outages
            .get(event_type)
            .is_some_and(|outage| outage.failures >= FAILURES_MIN)
    }

    /// Learns from what became of a message that was tried.
    pub(crate) fn learn(&self, event_type: &'static str, verdict: &Verdict, environment: &Environment) {
        let now = environment.clock().instant();
        match verdict {
            Verdict::Retry { reason, error, .. } if reason.is_outage() => {
                let mut outages = self.lock();
                let outage = outages
                    .entry(event_type)
                    .or_insert_with(|| Outage::beginning(now, *reason));
                outage.failed(now, environment.random());
                outage.why = (*reason, error.clone());
            }
            // Cut off: nobody knows what would have come of it.
            Verdict::Retry {
                reason: RetryReason::NotStarted | RetryReason::CutShort | RetryReason::PayloadTooLargeForNow,
                ..
            } => {}
            _ => drop(self.lock().remove(event_type)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    fn beginning(now: Instant, reason: RetryReason) -> Self {
        Self {
            failures: 0,
            since: now,
            pause_until: now,
            why: (reason, String::new()),
            trial: None,
        }
    }

    fn failed(&mut self, now: Instant, random: &dyn Random) {
        self.failures = self.failures.saturating_add(1);
        // New messages fail all the time; they do not put the next try off.
        if now < self.pause_until {
            return;
        }
        let lasted = now.saturating_duration_since(self.since);
        let half_us = (lasted / 5).clamp(PAUSE_MIN, PAUSE_MAX).as_micros() as u64 / 2;
        self.pause_until = now + Duration::from_micros(half_us + random.up_to(half_us));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use onecommit_environment::Timestamp;

    use super::*;
    use crate::stopped::{Drawn, Stopped};

    fn failed() -> Verdict {
        Verdict::retry(Duration::ZERO, RetryReason::DatabaseUnavailable, "down")
    }

    fn is_tried(outages: &Outages, now: Instant) -> bool {
        matches!(outages.admit("A", now), Admission::Try { .. })
    }

    #[test]
    fn one_failure_is_not_an_outage() {
        let (outages, environment) = (Outages::default(), Environment::system());
        outages.learn("A", &failed(), &environment);
        assert!(is_tried(&outages, environment.clock().instant()));
        assert!(!outages.is_under_way("A"));
    }

    #[test]
    fn in_an_outage_one_at_a_time_is_tried_after_a_pause() {
        let (outages, environment) = (Outages::default(), Environment::system());
        outages.learn("A", &failed(), &environment);
        outages.learn("A", &failed(), &environment);
        let now = environment.clock().instant();
        assert!(matches!(
            outages.admit("A", now),
            Admission::Back(RetryReason::DatabaseUnavailable, _)
        ));
        assert!(matches!(outages.admit("B", now), Admission::Try { .. }), "another type");
        let later = now + PAUSE_MIN;
        let trial = outages.admit("A", later);
        assert!(matches!(trial, Admission::Try { .. }));
        assert!(matches!(outages.admit("A", later), Admission::After(_)));
        drop(trial);
        assert!(is_tried(&outages, later), "the trial before it was given up");
    }

    #[test]
    fn those_who_wait_for_a_trial_go_on_in_the_order_in_which_they_came() {
        use futures_util::stream::{self, StreamExt};
        let (trial, waiting) = Trial::begin();
        let trial = Mutex::new(Some(trial));
        let each = stream::iter(0..50).map(|number| {
            let (waiting, trial) = (waiting.clone(), &trial);
            async move {
                if number == 49 {
                    drop(trial.lock().unwrap().take());
                }
                waiting.ended().await;
                number
            }
        });
        let order: Vec<i32> = each
            .buffer_unordered(50)
            .filter(|number| std::future::ready(*number < 49))
            .collect::<Vec<_>>()
            .now_or_never()
            .unwrap();
        assert_eq!(order, (0..49).collect::<Vec<_>>());
    }

    fn at(instant: Instant, drawn: Drawn) -> Environment {
        Environment::new(Arc::new(Stopped(Timestamp::from_unix_ms(0), instant)), Arc::new(drawn))
    }

    #[test]
    fn pauses_are_a_fifth_of_what_the_outage_has_lasted_within_bounds_and_half_of_them_is_random() {
        let start = Instant::now();
        for (lasted, shortest, longest) in [(4, 1, 2), (100, 10, 20), (290, 29, 58), (9_000, 30, 60)] {
            for (drawn, pause) in [(Drawn::Lowest, shortest), (Drawn::Highest, longest)] {
                let outages = Outages::default();
                outages.learn("A", &failed(), &at(start, Drawn::Lowest));
                let later = start + Duration::from_secs(lasted);
                outages.learn("A", &failed(), &at(later, drawn));
                let ends = later + Duration::from_secs(pause);
                let still = ends - Duration::from_millis(1);
                assert!(!is_tried(&outages, still), "{lasted} s, {pause} s");
                assert!(is_tried(&outages, ends), "{lasted} s, {pause} s");
            }
        }
    }

    #[test]
    fn a_failure_within_a_pause_does_not_prolong_it() {
        let (start, outages) = (Instant::now(), Outages::default());
        outages.learn("A", &failed(), &at(start, Drawn::Lowest));
        let ends = start + PAUSE_MIN / 2;
        outages.learn("A", &failed(), &at(ends - Duration::from_millis(1), Drawn::Highest));
        assert!(is_tried(&outages, ends));
    }

    #[test]
    fn trouble_that_is_not_an_outage_ends_one_and_what_was_cut_off_does_not() {
        let (outages, environment) = (Outages::default(), Environment::system());
        outages.learn("A", &failed(), &environment);
        outages.learn("A", &failed(), &environment);
        for reason in [
            RetryReason::NotStarted,
            RetryReason::CutShort,
            RetryReason::PayloadTooLargeForNow,
        ] {
            outages.learn("A", &Verdict::retry(Duration::ZERO, reason, "cut off"), &environment);
            assert!(outages.is_under_way("A"), "{reason}");
        }
        let own_fault = Verdict::retry(Duration::ZERO, RetryReason::HandlerFailed, "its own");
        outages.learn("A", &own_fault, &environment);
        assert!(!outages.is_under_way("A"));
    }

    #[test]
    fn what_is_turned_away_says_why_the_last_one_failed() {
        let (outages, environment) = (Outages::default(), Environment::system());
        outages.learn("A", &failed(), &environment);
        let last = Verdict::retry(Duration::ZERO, RetryReason::Unavailable, "out");
        outages.learn("A", &last, &environment);
        let admission = outages.admit("A", environment.clock().instant());
        assert!(matches!(admission, Admission::Back(RetryReason::Unavailable, why) if why == "out"));
    }

    #[test]
    fn one_success_ends_an_outage() {
        let (outages, environment) = (Outages::default(), Environment::system());
        for _ in 0..9 {
            outages.learn("A", &failed(), &environment);
        }
        outages.learn("A", &Verdict::Done, &environment);
        assert!(is_tried(&outages, environment.clock().instant()));
    }
}
