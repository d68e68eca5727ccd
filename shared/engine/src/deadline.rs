use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use onecommit_environment::Clock;

/// Left of an invocation's time for settling the batch: parking, delaying, answering. Of a short invocation a quarter.
const TIME_TO_SETTLE: Duration = Duration::from_millis(500);
/// The longest wait for one request, or a few, where no invocation ends before.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// When the invocation ends, whether or not its work is done.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<End>);

#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    /// The whole time of the invocation.
    total: Duration,
}

impl Deadline {
    /// Never: a worker that drains on its own terms.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// `remaining` from now, which is the beginning of the invocation.
    #[must_use]
    pub fn after(remaining: Duration, clock: &dyn Clock) -> Self {
        let at = clock.instant().checked_add(remaining);
        Self(at.map(|at| End { at, total: remaining }))
    }

    /// This deadline, or `limit` from now if that is sooner: a part of the work that may not take all of the time.
    #[must_use]
    pub fn within(self, limit: Duration, clock: &dyn Clock) -> Self {
        if self.remaining(clock) <= limit {
            self
        } else {
            Self::after(limit, clock)
        }
    }

    /// The time left; without a deadline, for ever.
    #[must_use]
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.0
            .map_or(Duration::MAX, |end| end.at.saturating_duration_since(clock.instant()))
    }

    /// The time left for work, so that there is still some to settle the batch.
    pub(crate) fn for_work(&self, clock: &dyn Clock) -> Duration {
        self.remaining(clock).saturating_sub(TIME_TO_SETTLE.min(self.share(4)))
    }

    /// The limit of one request, or of a few that belong together.
    pub(crate) fn for_requests(&self, clock: &dyn Clock) -> Duration {
        self.for_work(clock).min(REQUEST_TIME_MAX)
    }

    /// The limit of settling, which may use all that is left but for the answer itself.
    pub(crate) fn for_settling(&self, clock: &dyn Clock) -> Duration {
        let for_the_answer = (TIME_TO_SETTLE / 10).min(self.share(40));
        self.remaining(clock)
            .saturating_sub(for_the_answer)
            .min(REQUEST_TIME_MAX)
    }

    /// A half, a quarter and so on of the whole invocation.
    pub(crate) fn share(&self, divisor: u32) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.total / divisor)
    }
}

/// The longest that a message has been seen to take from its start to its end.
///
/// Only what finished counts: the time after which something was cut off says nothing about how long work takes. It
/// rises at once and forgets slowly, each quicker message, and each batch in which nothing finished, taking an eighth
/// away; so neither a slow start nor an outage holds work back for long.
#[derive(Debug, Default)]
pub(crate) struct TimeNeeded {
    micros: AtomicU64,
    has_learnt: AtomicBool,
}

impl TimeNeeded {
    pub(crate) fn finished_after(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.micros.load(Ordering::Relaxed);
        let after = if took >= before {
            took
        } else {
            before - (before - took) / 8
        };
        // A lost update loses one observation, nothing more.
        self.micros.store(after, Ordering::Relaxed);
        self.has_learnt.store(true, Ordering::Relaxed);
    }

    pub(crate) fn batch_ended(&self) {
        if !self.has_learnt.swap(false, Ordering::Relaxed) {
            let before = self.micros.load(Ordering::Relaxed);
            self.micros.store(before - before / 8, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use onecommit_environment::Timestamp;

    use super::*;
    use crate::stopped::Stopped;

    #[test]
    fn the_time_needed_rises_at_once_and_falls_slowly() {
        let needed = TimeNeeded::default();
        needed.finished_after(Duration::from_millis(800));
        needed.finished_after(Duration::ZERO);
        assert_eq!(needed.get(), Duration::from_millis(700));
        needed.finished_after(Duration::from_millis(300));
        assert_eq!(needed.get(), Duration::from_millis(650));
        needed.finished_after(Duration::from_secs(1));
        assert_eq!(needed.get(), Duration::from_secs(1));
    }

    #[test]
    fn a_part_of_the_work_ends_no_later_than_the_whole() {
        let clock = onecommit_environment::SystemClock;
        let hour = Duration::from_secs(3600);
        let whole = Deadline::after(Duration::ZERO, &clock);
        assert_eq!(whole.within(hour, &clock).remaining(&clock), Duration::ZERO);
        assert!(Deadline::none().within(hour, &clock).remaining(&clock) <= hour);
    }

    fn stopped(instant: Instant) -> Stopped {
        Stopped(Timestamp::from_unix_ms(0), instant)
    }

    #[test]
    fn a_part_of_an_invocation_is_kept_for_settling_and_less_for_the_answer() {
        let start = Instant::now();
        let clock = stopped(start);
        let (ms, request) = (Duration::from_millis, REQUEST_TIME_MAX);
        for (total, for_work, for_requests, for_settling) in [
            (ms(60_000), ms(59_500), request, request),
            (ms(20_000), ms(19_500), ms(19_500), ms(19_950)),
            (ms(400), ms(300), ms(300), ms(390)),
        ] {
            let deadline = Deadline::after(total, &clock);
            assert_eq!(deadline.for_work(&clock), for_work, "of {total:?}");
            assert_eq!(deadline.for_requests(&clock), for_requests, "of {total:?}");
            assert_eq!(deadline.for_settling(&clock), for_settling, "of {total:?}");
        }
        let later = stopped(start + ms(399));
        assert_eq!(Deadline::after(ms(400), &clock).for_work(&later), Duration::ZERO);
        assert!(Deadline::none().for_work(&clock) > Duration::from_secs(1 << 40));
        assert_eq!(Deadline::none().for_requests(&clock), request);
    }

    #[test]
    fn a_part_of_the_work_keeps_the_invocations_end_when_that_is_sooner() {
        let clock = stopped(Instant::now());
        let whole = Deadline::after(Duration::from_secs(40), &clock);
        let same = whole.within(Duration::from_secs(50), &clock);
        assert_eq!(same.remaining(&clock), Duration::from_secs(40));
        let part = whole.within(Duration::from_secs(8), &clock);
        assert_eq!(part.remaining(&clock), Duration::from_secs(8));
        assert_eq!(part.share(4), Duration::from_secs(2));
    }

    #[test]
    fn a_batch_that_taught_nothing_takes_an_eighth_away() {
        let needed = TimeNeeded::default();
        needed.finished_after(Duration::from_millis(800));
        needed.batch_ended();
        assert_eq!(needed.get(), Duration::from_millis(800));
        needed.batch_ended();
        assert_eq!(needed.get(), Duration::from_millis(700));
    }
}
