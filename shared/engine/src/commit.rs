use onecommit_event::{Aggregate, NewEvent};

use crate::write::Write;

/// The changes of one message: written together with the record that the message was handled, or not at all.
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
    /// A commit without changes; that the message was handled is still recorded.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A commit of one write.
    pub fn of(write: impl Into<Write>) -> Self {
        Self::nothing().with(write)
    }

    /// Adds a write.
    pub fn with(mut self, write: impl Into<Write>) -> Self {
        self.writes.push(write.into());
        self
    }

    /// Appends events to the aggregate's stream, which the handler has read up to `expected_version` (0: it is empty).
    /// If the stream has grown since, nothing is written and the handler runs again on fresh reads.
    ///
    /// The engine assigns each event its id, time, sequence, correlation and cause. Each counts as one write.
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
