use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use onecommit_environment::Transient;

use crate::transaction::Transaction;
use crate::value::Item;
use crate::write::Write;

/// The port through which commits are written.
///
/// An implementation sends exactly one request per call and never retries on its own: the engine counts requests and
/// decides what is worth another one.
#[async_trait]
pub trait TableWriter: Send + Sync {
    /// All of the writes or none.
    ///
    /// A crash before: nothing happened. A crash after: everything happened, and the next delivery finds the ledger row.
    /// When the answer is lost, the same transaction with the same token may be sent again.
    ///
    /// # Errors
    /// See [`DatabaseError`]; after [`DatabaseError::Transient`] alone it is unknown whether the writes happened.
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError>;

    /// One write. A condition that does not hold is a [`DatabaseError::Cancelled`] with one cancellation.
    ///
    /// After a crash or a lost answer it is unknown whether it happened: the condition has to make a repetition harmless.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    async fn write(&self, write: &Write) -> Result<(), DatabaseError>;
}

#[async_trait]
impl<D: TableWriter + ?Sized> TableWriter for Arc<D> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        (**self).transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        (**self).write(write).await
    }
}

/// Why a write failed, by what to do about it.
#[derive(Debug)]
pub enum DatabaseError {
    /// Nothing was written; the reasons, for each action in order.
    Cancelled(Vec<Cancellation>),
    /// It may have been written or not; the same request may be sent again.
    Transient(TransientKind, Box<dyn Error + Send + Sync>),
    /// Nothing was written, and the same request will be rejected again: it is not valid.
    Rejected(Box<dyn Error + Send + Sync>),
    /// Nothing was written, and no such request will succeed until something outside of the program changes: an unknown
    /// table, a missing permission, expired credentials.
    Misconfigured(Box<dyn Error + Send + Sync>),
}

/// The kind of a transient failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransientKind {
    /// Another transaction held one of the rows.
    Conflict,
    /// Too many requests for the table or the account.
    Throttled,
    /// No answer in time, a broken connection, or a fault at the other side.
    Unavailable,
}

/// Why one action of a transaction caused its cancellation.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancellation {
    /// It did not: another action did.
    None,
    /// Its condition did not hold; the row that was found.
    ConditionFailed(Option<Item>),
    /// Another transaction held its row, or its table was throttled.
    Transient(TransientKind),
    /// It can never succeed: too large, wrong type, not valid.
    Invalid(String),
}

impl Transient for DatabaseError {
    /// No answer, throttled, or a conflict with another transaction on a row; a transaction cancelled for nothing else.
    fn is_transient(&self) -> bool {
        match self {
            Self::Transient(..) => true,
            Self::Cancelled(reasons) => reasons
                .iter()
                .all(|reason| matches!(reason, Cancellation::None | Cancellation::Transient(_))),
            Self::Rejected(_) | Self::Misconfigured(_) => false,
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(reasons) => {
                let blamed = reasons.iter().filter(|reason| **reason != Cancellation::None).count();
                write!(
                    formatter,
                    "the transaction was cancelled because of {blamed} of its {} actions",
                    reasons.len()
                )
            }
            Self::Transient(kind, _) => write!(formatter, "the write did not succeed for now: {kind:?}"),
            Self::Rejected(source) => write!(formatter, "the database rejected the write: {source}"),
            Self::Misconfigured(source) => {
                write!(
                    formatter,
                    "the database denied access; check the table's name and the permissions of this process: {source}"
                )
            }
        }
    }
}

impl Error for DatabaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled(_) => None,
            Self::Transient(_, source) | Self::Rejected(source) | Self::Misconfigured(source) => Some(&**source),
        }
    }
}
