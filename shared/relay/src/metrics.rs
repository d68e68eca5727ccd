use std::time::Duration;

/// The counters of a relay since they were last taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelayTally {
    /// Events that every destination accepted.
    pub published: u64,
    /// Events parked: rejected by a destination every time, or rows that are not events.
    pub parked: u64,
    /// Events to be retried: a destination was down, an earlier one is missing, or time ran out.
    pub held_back: u64,
    /// Events that were set aside, since they could be neither published nor parked; each recovery counts them again, as
    /// long as they are stuck. They need an operator.
    pub stuck: u64,
    /// Rounds in which a destination answered that it is not there, or does not take anything from this role: one for each
    /// destination, or claim-check bucket. Nothing is lost, and nothing leaves; it needs an operator.
    pub destinations_gone: u64,
    /// Events that were read from the table because the stream had not delivered them yet.
    pub fetched: u64,
    /// Versions that are missing: later events were published without them. They need an operator.
    pub gaps_passed: u64,
    /// How long after its commit each event was published, up to 100 of them.
    pub lags: Vec<Duration>,
}

/// CloudWatch takes at most 100 values of a metric in one log line.
const LAGS_MAX: usize = 100;

impl RelayTally {
    pub(crate) fn lag(&mut self, lag: Duration) {
        if self.lags.len() < LAGS_MAX {
            self.lags.push(lag);
        }
    }
}
