use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use onecommit_environment::Transient;

use crate::transaction::Transaction;
use crate::value::Item;
use crate::write::Write;

/// Where commits land.
///
/// An implementation sends exactly one request per call and never retries on its own: the engine counts requests and
/// decides what is worth another one.
#[async_trait]
pub trait Database: Send + Sync {
    /// All of the writes or none.
    ///
    /// A crash before: nothing happened. A crash after: everything did, and the ledger row inside tells the next
    /// delivery so. When the answer is lost, the same transaction with the same token may be sent again.
    ///
    /// # Errors
    /// See [`DatabaseError`]; only [`DatabaseError::Transient`] leaves open whether the writes landed.
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError>;

    /// One write. A condition that does not hold is a [`DatabaseError::Cancelled`] with one cancellation.
    ///
    /// A crash or a lost answer leaves open whether it landed: the condition has to make a repetition harmless.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    async fn write(&self, write: &Write) -> Result<(), DatabaseError>;
}

#[async_trait]
impl<D: Database + ?Sized> Database for Arc<D> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        (**self).transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        (**self).write(write).await
    }
}

/// Why a write did not land, by what to do about it.
#[derive(Debug)]
pub enum DatabaseError {
    /// Nothing landed; why, action by action in their order.
    Cancelled(Vec<Cancellation>),
    /// It may have landed or not; the same request may be sent again.
    Transient(TransientKind, Box<dyn Error + Send + Sync>),
    /// Nothing landed, and the same request will be refused again: it is not valid.
    Rejected(Box<dyn Error + Send + Sync>),
    /// Nothing landed, and until somebody changes something outside of the program no request like it will: an unknown
    /// table, no permission, credentials that are over.
    Misconfigured(Box<dyn Error + Send + Sync>),
}

/// What kind of passing trouble it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransientKind {
    /// Another transaction held one of the rows.
    Conflict,
    /// Too many requests for the table or the account.
    Throttled,
    /// No answer in time, a broken connection, or a fault at the other side.
    Unavailable,
}

/// Why one action of a transaction kept the transaction from landing.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancellation {
    /// It did not: another action did.
    None,
    /// Its condition did not hold; the row that was found.
    ConditionFailed(Option<Item>),
    /// Another transaction held its row, or its table was throttled.
    Transient(TransientKind),
    /// It can never land: too large, wrong type, not valid.
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
            Self::Transient(kind, _) => write!(formatter, "the database did not take the write for now: {kind:?}"),
            Self::Rejected(source) => write!(formatter, "the database refuses the write: {source}"),
            Self::Misconfigured(source) => {
                write!(
                    formatter,
                    "the database refuses this process; check the table's name and the process's permissions: {source}"
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
