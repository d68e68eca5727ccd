use std::time::Duration;

use onecommit_environment::Backoff;

/// How a relay works. Waits have full jitter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RelaySettings {
    /// How long to wait for a missing version, from when the event after it was written; then the later events are
    /// published without it, and an alarm is raised. Default: 60 s.
    pub gap_patience: Duration,
    /// How often an event that a destination rejects is sent before it is parked. Default: 3.
    pub refusals_max: u32,
    /// How often an event is tried in one invocation. After that, one that cannot be published although its destinations
    /// accept others, or that cannot be parked, is set aside; everything else is retried. Default: 5.
    pub tries_max: u32,
    /// The wait between those tries. Default: up to 100 ms, doubling up to 2 s.
    pub backoff: Backoff,
    /// The wait while a destination takes nothing, over all invocations of the process. Default: up to 100 ms, doubling up
    /// to 30 s.
    pub pause: Backoff,
    /// How many aggregates are looked up side by side. Default: 16.
    pub concurrency: usize,
    /// How long a round of publishing is waited for. Default: 20 s.
    pub round_time_max: Duration,
    /// Left of an invocation's time for clearing marks and answering; nothing is published then, or waited for. Default:
    /// 3 s.
    pub time_to_settle: Duration,
}

onecommit_environment::setters!(RelaySettings {
    gap_patience: Duration,
    refusals_max: u32,
    tries_max: u32,
    backoff: Backoff,
    pause: Backoff,
    concurrency: usize,
    round_time_max: Duration,
    time_to_settle: Duration,
});

impl Default for RelaySettings {
    fn default() -> Self {
        let backoff = |first_ms, longest_ms| Backoff {
            first: Duration::from_millis(first_ms),
            longest: Duration::from_millis(longest_ms),
        };
        Self {
            gap_patience: Duration::from_secs(60),
            refusals_max: 3,
            tries_max: 5,
            backoff: backoff(100, 2_000),
            pause: backoff(100, 30_000),
            concurrency: 16,
            round_time_max: Duration::from_secs(20),
            time_to_settle: Duration::from_secs(3),
        }
    }
}
