use std::time::{Duration, Instant};

use super::limit::{Admission, RateLimit};
use super::usage::Usage;

/// The tokens of one subject that this process may spend.
#[derive(Default)]
pub(crate) struct Lease {
    tokens: u64,
    taken: u64,
    until: Option<Instant>,
    /// Until when it is known that there are none.
    none_until: Option<Instant>,
    /// What the row was when it was last seen.
    pub(crate) seen: Usage,
}

impl Lease {
    /// What can be said without a request.
    pub(crate) fn spend(&mut self, now: Instant) -> Option<Admission> {
        if self.until.is_some_and(|until| now < until) && self.tokens > 0 {
            self.tokens -= 1;
            return Some(Admission::Admitted);
        }
        let left = self.none_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(Admission::Limited(left))
    }

    /// How many tokens to ask for: twice as many as before when those were spent in time, as many as were spent otherwise.
    pub(crate) fn wanted(&self, limit: &RateLimit, now: Instant) -> u64 {
        let were_too_few = self.tokens == 0 && self.until.is_some_and(|until| now < until);
        let spent = self.taken - self.tokens;
        let wanted = if were_too_few { spent * 2 } else { spent };
        wanted.clamp(1, limit.lease_max())
    }

    pub(crate) fn grant(&mut self, tokens: u64, until: Instant) {
        self.tokens = tokens;
        self.taken = tokens;
        self.until = Some(until);
        self.none_until = None;
    }

    pub(crate) fn deny(&mut self, now: Instant, wait: Duration) {
        self.none_until = now.checked_add(wait);
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now) && self.none_until.is_none_or(|until| until <= now)
    }
}
