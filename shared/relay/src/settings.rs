use std::time::Duration;

/// How a relay works.
#[derive(Clone, Copy, Debug)]
pub struct RelaySettings {
    /// How long a missing version is waited for, counted from when the event after it was written; then the later
    /// events leave without it, and an alarm is raised. Default: 60 s.
    pub gap_patience: Duration,
    /// How often an event that a destination refuses is sent before it is parked. Default: 3.
    pub refusals_max: u32,
    /// How many aggregates are looked up side by side. Default: 16.
    pub concurrency: usize,
    /// Left of an invocation's time for clearing marks and answering; nothing more is published then. Default: 3 s.
    pub time_to_settle: Duration,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            gap_patience: Duration::from_secs(60),
            refusals_max: 3,
            concurrency: 16,
            time_to_settle: Duration::from_secs(3),
        }
    }
}
