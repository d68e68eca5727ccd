use std::time::Duration;

/// What a relay did since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelayTally {
    /// Events that every destination took.
    pub published: u64,
    /// Events parked: refused by a destination every time, or rows that hold no event.
    pub parked: u64,
    /// Events that shall come back: a destination was down, one before them is missing, or time ran out.
    pub held_back: u64,
    /// Events that were stepped over, since they could neither leave nor be parked; recoveries count them each time, as long
    /// as they are stuck. Somebody should look.
    pub stuck: u64,
    /// Events that were read from the table because the stream had not told of them yet.
    pub fetched: u64,
    /// Versions that never came: later events left without them. Somebody should look.
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
