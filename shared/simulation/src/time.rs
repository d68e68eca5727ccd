//! Time in a simulated world.

use std::time::Duration;

use onecommit_environment::Timestamp;

/// When the world began, as its clocks show it, in 2030: no real clock shows that for a while, so that a real time among
/// simulated ones is told from them.
const BEGINNING_MS: i64 = 1_900_000_000_000;

/// What a clock that is right shows.
pub(crate) fn timestamp_at(now: Duration) -> Timestamp {
    Timestamp::from_unix_ms(BEGINNING_MS).plus(now)
}

/// A time in the story of a run: seconds since the start.
pub(crate) fn moment(now: Duration) -> String {
    format!("{:>9.3} s", now.as_secs_f64())
}
