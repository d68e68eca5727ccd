use std::time::Duration;

use onecommit_environment::Random;

/// How long to wait before the next attempt: exponential, with full jitter, so that those who failed together do not
/// come back together (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The most to wait before the second attempt; doubles with each one more.
    pub first: Duration,
    /// The most to wait before any attempt.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failed attempts, 1 for the first.
    #[must_use]
    pub fn after(&self, failures: u32, random: &dyn Random) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        let ceiling_us = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(random.up_to(ceiling_us))
    }
}

#[cfg(test)]
mod tests {
    use onecommit_environment::SeededRandom;

    use super::*;

    #[test]
    fn waits_grow_with_the_failures_up_to_the_longest_and_spread_over_the_whole_range() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
        };
        let random = SeededRandom::new(1);
        let longest_seen = |failures| (0..500).map(|_| backoff.after(failures, &random)).max().unwrap();
        assert!(longest_seen(1) <= Duration::from_secs(1));
        assert!(longest_seen(3) > Duration::from_secs(3) && longest_seen(3) <= Duration::from_secs(4));
        assert!(longest_seen(40) > Duration::from_secs(55) && longest_seen(u32::MAX) <= Duration::from_secs(60));
    }
}
