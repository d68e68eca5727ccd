use std::time::Duration;

use onecommit_environment::setters;

/// What a query may be. Each limit is checked before the work that it bounds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GraphLimits {
    /// The whole request, in bytes: 100 KB if it is not set.
    pub bytes: usize,
    /// Words and punctuation of a query: 1,000 if it is not set. The parser stops there.
    pub tokens: usize,
    /// Fields within fields, fragments written out: 10 if it is not set.
    pub depth: usize,
    /// Fields, fragments written out, those below a field with `first`, `last` or `limit` counted as often as that
    /// asks for: 1,000 if it is not set.
    pub cost: u64,
    /// Directives of one field, fragment or operation: 5 if it is not set.
    pub directives: usize,
    /// Fields of the operation itself, fragments written out: 30 if it is not set.
    pub root_fields: usize,
    /// The time for planning: 100 ms if it is not set.
    pub planning: Duration,
    /// The time for the answer, over all requests to subgraphs: 10 s if it is not set.
    pub answer_within: Duration,
}

setters!(GraphLimits {
    bytes: usize,
    tokens: usize,
    depth: usize,
    cost: u64,
    directives: usize,
    root_fields: usize,
    planning: Duration,
    answer_within: Duration,
});

impl Default for GraphLimits {
    fn default() -> Self {
        Self {
            bytes: 100_000,
            tokens: 1_000,
            depth: 10,
            cost: 1_000,
            directives: 5,
            root_fields: 30,
            planning: Duration::from_millis(100),
            answer_within: Duration::from_secs(10),
        }
    }
}
