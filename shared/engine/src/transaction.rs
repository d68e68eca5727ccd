use std::collections::HashSet;
use std::fmt;

use uuid::Uuid;

use crate::size;
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
    /// One row, or one value of a condition or change, larger than a row may be.
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
                    "a row of {target}, or a value compared with one, has {bytes} bytes; the limit is {ITEM_BYTES_MAX}. Split the \
                     row, or keep large content in a bucket"
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

/// Checks what DynamoDB would refuse, before it costs a request. What is counted towards the limits, [`size`] says.
pub(crate) fn check(writes: &[Write]) -> Result<(), CommitFault> {
    if writes.len() > ACTIONS_MAX {
        return Err(CommitFault::TooManyActions(writes.len()));
    }
    let mut targets = HashSet::with_capacity(writes.len());
    for write in writes {
        let largest = size::of_row_at_least(write).max(size::of_largest_value(write));
        if largest > ITEM_BYTES_MAX {
            return Err(CommitFault::ItemTooLarge(write.table().to_string(), largest));
        }
        if !targets.insert(write.target()) {
            return Err(CommitFault::SameItemTwice(write.table().to_string()));
        }
    }
    match writes.iter().map(size::in_transaction).sum() {
        bytes if bytes > BYTES_MAX => Err(CommitFault::TooLarge(bytes)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Condition;
    use crate::value::Value;
    use crate::write::{Key, Put, Table, Update};

    fn text(bytes: usize) -> Value {
        Value::from("x".repeat(bytes))
    }

    /// A row of this size: the key `pk` with two letters, and the attribute `a`.
    fn row(number: usize, bytes: usize) -> Put {
        let content = [("a".to_owned(), text(bytes - "pk00a".len()))];
        Table::new("t").put(Key::new("pk", format!("{number:02}")), content)
    }

    fn update(number: usize) -> Update {
        Table::new("t").update(Key::new("pk", format!("{number:02}")))
    }

    fn checked(write: impl Into<Write>) -> Result<(), CommitFault> {
        check(&[write.into()])
    }

    fn item_too_large(bytes: usize) -> Result<(), CommitFault> {
        Err(CommitFault::ItemTooLarge("t".into(), bytes))
    }

    #[test]
    fn a_row_of_400_kb_fits_whatever_its_condition() {
        let condition = Condition::exists("pk").and(Condition::equals("b", text(1000)));
        assert_eq!(checked(row(0, ITEM_BYTES_MAX)), Ok(()));
        assert_eq!(checked(row(0, ITEM_BYTES_MAX).only_if(condition)), Ok(()));
        assert_eq!(checked(row(0, ITEM_BYTES_MAX + 1)), item_too_large(ITEM_BYTES_MAX + 1));
    }

    #[test]
    fn an_update_counts_its_key_and_what_it_sets() {
        let fits = ITEM_BYTES_MAX - "pk00a".len();
        assert_eq!(checked(update(0).set("a", text(fits))), Ok(()));
        assert_eq!(checked(update(0).set("a", text(fits)).remove("b")), Ok(()));
        assert_eq!(
            checked(update(0).set("a", text(fits + 1))),
            item_too_large(ITEM_BYTES_MAX + 1)
        );
        let half = ITEM_BYTES_MAX / 2;
        let two = update(0).set("a", text(half)).set("b", text(half));
        assert_eq!(checked(two), item_too_large(ITEM_BYTES_MAX + "pk00ab".len()));
    }

    #[test]
    fn no_value_of_an_expression_is_larger_than_a_row() {
        let value = || text(ITEM_BYTES_MAX + 1);
        let refused = item_too_large(ITEM_BYTES_MAX + 1);
        assert_eq!(checked(update(0).set_if_absent("a", value())), refused);
        let check = Table::new("t").check(
            Key::new("pk", "00"),
            Condition::exists("b").or(Condition::equals("a", value())),
        );
        assert_eq!(checked(check), refused);
    }

    #[test]
    fn rows_of_4_mb_together_fit_and_a_byte_more_does_not() {
        let rows = |more: usize| -> Vec<Write> {
            let mut rows: Vec<Write> = (1..10).map(|number| row(number, ITEM_BYTES_MAX).into()).collect();
            let left = BYTES_MAX - 9 * ITEM_BYTES_MAX;
            rows.push(row(10, left / 2).into());
            rows.push(row(11, left - left / 2 + more).into());
            rows
        };
        assert_eq!(check(&rows(0)), Ok(()));
        assert_eq!(check(&rows(1)), Err(CommitFault::TooLarge(BYTES_MAX + 1)));
    }

    #[test]
    fn conditions_count_towards_the_transaction() {
        let condition = || Condition::equals("b", text(30 * 1024)).or(Condition::absent("b"));
        let rows = |condition: &dyn Fn(Put) -> Put| -> Vec<Write> {
            (0..10)
                .map(|number| condition(row(number, 390 * 1024)).into())
                .collect()
        };
        assert_eq!(check(&rows(&|put| put)), Ok(()));
        let refused = check(&rows(&|put| put.only_if(condition())));
        assert!(matches!(refused, Err(CommitFault::TooLarge(_))), "{refused:?}");
        let checks: Vec<Write> = (0..11)
            .map(|number| {
                let value = Condition::equals("a", text(390 * 1024));
                Table::new("t").check(Key::new("pk", number), value).into()
            })
            .collect();
        assert!(matches!(check(&checks), Err(CommitFault::TooLarge(_))));
    }

    /// DynamoDB Local says for 11 updates `SET #t = :t`, with all names and values of 4 MB together, that they have 11 bytes
    /// more for each of them: the text of the expression.
    #[test]
    fn the_text_of_expressions_counts_towards_the_transaction() {
        let updates = |bytes: usize| -> Vec<Write> {
            (0..11)
                .map(|number| update(number).set("a", text(bytes / 11 - "pk00a".len())).into())
                .collect()
        };
        let refused = check(&updates(BYTES_MAX));
        assert!(matches!(refused, Err(CommitFault::TooLarge(bytes)) if bytes > BYTES_MAX + 100));
        assert_eq!(check(&updates(BYTES_MAX - 11 * 64)), Ok(()));
    }
}
