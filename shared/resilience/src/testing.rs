//! What the tests of this crate share.

use std::sync::Arc;

use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::VirtualClock;

/// Time that jumps ahead whenever everything waits, and the same numbers on every run.
pub(crate) fn virtual_environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(1_800_000_000_000));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)))
}
