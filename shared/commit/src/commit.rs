use crate::write::Write;

/// What a handler wants to change. All of it lands, together with the record that the message was handled, or none.
///
/// At most 99 writes (the ledger takes the hundredth), 4 MB, and no row twice: DynamoDB's limits for a transaction
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a commit that is not returned changes nothing"]
pub struct Commit {
    writes: Vec<Write>,
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

    /// The writes so far.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}
