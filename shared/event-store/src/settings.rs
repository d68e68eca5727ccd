use std::time::Duration;

use onecommit_environment::{Backoff, RetryPolicy};

/// How often the store tries again, and how long it waits before it does. Waits have full jitter.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How often an append is sent while the table is busy or does not answer. Default: 4 times, after waits of up to
    /// 25 ms, doubling up to 1 s. Reads are repeated by [`onecommit_engine::RetryingTables`] around the table.
    pub append: RetryPolicy,
    /// How often [`crate::EventStore::execute`] lets the aggregate decide while others are quicker. Default: 50, more
    /// than sixteen writers who never pause need.
    pub decisions_max: u32,
    /// The wait between those. Default: up to 5 ms, doubling up to 200 ms.
    pub decision_backoff: Backoff,
}

onecommit_environment::setters!(Settings {
    append: RetryPolicy,
    decisions_max: u32,
    decision_backoff: Backoff,
});

impl Default for Settings {
    fn default() -> Self {
        let backoff = |first_ms, longest_ms| Backoff {
            first: Duration::from_millis(first_ms),
            longest: Duration::from_millis(longest_ms),
        };
        Self {
            append: RetryPolicy::new(4, 25, 1_000),
            decisions_max: 50,
            decision_backoff: backoff(5, 200),
        }
    }
}
