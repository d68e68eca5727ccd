use std::collections::HashSet;
use std::fmt;

use uuid::Uuid;

use crate::write::Write;

/// The most actions of one DynamoDB transaction.
pub const ACTIONS_MAX: usize = 100;
/// The most bytes of one DynamoDB transaction.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most bytes of one DynamoDB item.
pub const ITEM_BYTES_MAX: usize = 400 * 1024;

/// Writes that land together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    /// Names this attempt: sent again with the same token within ten minutes, it changes nothing more.
    pub token: Uuid,
    /// The actions, at most [`ACTIONS_MAX`], no row twice.
    pub writes: Vec<Write>,
}

impl Transaction {
    /// A transaction of these writes.
    ///
    /// # Errors
    /// When DynamoDB would refuse it.
    pub fn checked(token: Uuid, writes: Vec<Write>) -> Result<Self, CommitFault> {
        check(&writes)?;
        Ok(Self { token, writes })
    }
}

/// A commit that no transaction can hold. The same handler will return it again, so a retry is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// More writes than fit.
    TooManyActions(usize),
    /// More bytes than fit.
    TooLarge(usize),
    /// One row larger than a row may be.
    ItemTooLarge(String, usize),
    /// One row twice.
    SameItemTwice(String),
}

impl fmt::Display for CommitFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyActions(count) => {
                write!(
                    formatter,
                    "the commit has {count} actions with its ledger row; the limit is {ACTIONS_MAX}. Split the work"
                )
            }
            Self::TooLarge(bytes) => {
                write!(
                    formatter,
                    "the commit has {bytes} bytes; the limit is {BYTES_MAX}. Split the work"
                )
            }
            Self::ItemTooLarge(target, bytes) => {
                write!(
                    formatter,
                    "a row of {target} has {bytes} bytes; the limit is {ITEM_BYTES_MAX}"
                )
            }
            Self::SameItemTwice(target) => {
                write!(
                    formatter,
                    "the commit touches one row of {target} twice; merge the writes"
                )
            }
        }
    }
}

impl std::error::Error for CommitFault {}

/// Checks what DynamoDB would refuse, before it costs a request.
pub(crate) fn check(writes: &[Write]) -> Result<(), CommitFault> {
    if writes.len() > ACTIONS_MAX {
        return Err(CommitFault::TooManyActions(writes.len()));
    }
    let mut bytes = 0;
    let mut targets = HashSet::with_capacity(writes.len());
    for write in writes {
        let size = write.bytes();
        if size > ITEM_BYTES_MAX {
            return Err(CommitFault::ItemTooLarge(write.table().to_string(), size));
        }
        bytes += size;
        if !targets.insert(write.target()) {
            return Err(CommitFault::SameItemTwice(write.table().to_string()));
        }
    }
    if bytes > BYTES_MAX {
        Err(CommitFault::TooLarge(bytes))
    } else {
        Ok(())
    }
}
