use onecommit_event::{Aggregate, NewEvent};

use crate::write::Write;

/// What a handler wants to change. All of it lands, together with the record that the message was handled, or none.
///
/// At most 99 writes (the ledger takes the hundredth), 4 MB, and no row twice: DynamoDB's limits for a transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
#[derive(Clone, Debug, Default)]
#[must_use = "a commit that is not returned changes nothing"]
pub struct Commit {
    writes: Vec<Write>,
    appends: Vec<Append>,
}

/// Events to append to one stream.
#[derive(Clone, Debug)]
pub struct Append {
    pub(crate) aggregate: Aggregate,
    pub(crate) expected_version: u64,
    pub(crate) events: Vec<NewEvent>,
}

impl Commit {
    /// Nothing to change; that the message was handled is still recorded.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// One write.
    pub fn of(write: impl Into<Write>) -> Self {
        Self::nothing().with(write)
    }

    /// And one more write.
    pub fn with(mut self, write: impl Into<Write>) -> Self {
        self.writes.push(write.into());
        self
    }

    /// And these events, at the end of the aggregate's stream, which the handler has seen up to `expected_version`
    /// (0: it saw none). If the stream has grown since, nothing lands and the handler runs again on fresh reads.
    ///
    /// The engine gives each event its id, time, sequence, correlation and cause. Each takes one of the commit's rows.
    pub fn append(
        mut self,
        aggregate: Aggregate,
        expected_version: u64,
        events: impl IntoIterator<Item = NewEvent>,
    ) -> Self {
        self.appends.push(Append {
            aggregate,
            expected_version,
            events: events.into_iter().collect(),
        });
        self
    }

    /// The events to append so far: stream, version before, event types.
    pub fn appended(&self) -> impl Iterator<Item = (&Aggregate, u64, Vec<&str>)> {
        self.appends.iter().map(|append| {
            let types = append.events.iter().map(NewEvent::event_type).collect();
            (&append.aggregate, append.expected_version, types)
        })
    }

    /// The writes so far.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn into_parts(self) -> (Vec<Write>, Vec<Append>) {
        (self.writes, self.appends)
    }
}
