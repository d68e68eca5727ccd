//! What DynamoDB counts for a write, towards its two limits.
//!
//! An **item** has at most 400 KB: the names and values of its attributes, those of the key among them, once
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items>). The condition of a
//! write is no part of the item. No value of an expression may be larger than an item, though.
//!
//! A **transaction** has at most 4 MB. The documentation speaks of the aggregate size of its items; DynamoDB Local, which AWS
//! makes, answers with the figure it compares ("Transaction payload size cannot exceed 4MB"), and that is for each action: the
//! key, the item or the values of the changes, the condition's values, the attribute names that placeholders stand for, and the
//! text of the expressions. What an update leaves as it is, and what a delete removes, is not counted.
//!
//! The text of expressions is counted as long as it can get, some bytes more than it has: a commit may be refused some hundred
//! bytes below the limit, and none is sent that DynamoDB refuses for this.

use crate::condition::Condition;
use crate::value::{Value, item_bytes};
use crate::write::{Change, Key, Write};

/// The longest placeholder: an expression of 4 KB has no thousand of them.
const PLACEHOLDER: usize = "#n999".len();
/// The keywords of an update.
const KEYWORDS: usize = "SET ADD REMOVE ".len();

impl Write {
    /// How many bytes DynamoDB counts for it towards the 4 MB of a transaction: its key, its content, its condition and the
    /// text of its expressions.
    #[must_use]
    pub fn bytes(&self) -> usize {
        in_transaction(self)
    }
}

/// What the write adds to its transaction.
pub(crate) fn in_transaction(write: &Write) -> usize {
    let condition = write.condition().map_or(0, of_condition);
    condition
        + match write {
            Write::Put(put) => item_bytes(put.item()),
            Write::Update(update) => {
                of_key(write.key()) + KEYWORDS + update.changes().iter().map(of_change).sum::<usize>()
            }
            Write::Delete(_) | Write::Check(_) => of_key(write.key()),
        }
}

/// The least size that the row has after the write: what else an updated row holds is not known here.
pub(crate) fn of_row_at_least(write: &Write) -> usize {
    match write {
        Write::Put(put) => item_bytes(put.item()),
        Write::Update(update) => {
            let values = update.changes().iter().map(|change| match change {
                Change::Set(name, value) => name.len() + value.bytes(),
                // The attribute is there afterwards, with this value or another one.
                Change::SetIfAbsent(name, _) | Change::Add(name, _) => name.len() + 1,
                Change::Remove(_) => 0,
            });
            of_key(write.key()) + values.sum::<usize>()
        }
        Write::Delete(_) | Write::Check(_) => 0,
    }
}

/// The largest value of the write's expressions.
pub(crate) fn of_largest_value(write: &Write) -> usize {
    let condition = write.condition().map_or(0, largest_of_condition);
    let changes: &[Change] = match write {
        Write::Update(update) => update.changes(),
        _ => &[],
    };
    let changed = changes.iter().map(|change| value_of(change).map_or(0, Value::bytes));
    changed.chain([condition]).max().unwrap_or(0)
}

fn of_key(key: &Key) -> usize {
    key.attributes()
        .iter()
        .map(|(name, value)| name.len() + value.bytes())
        .sum()
}

fn value_of(change: &Change) -> Option<&Value> {
    match change {
        Change::Set(_, value) | Change::SetIfAbsent(_, value) | Change::Add(_, value) => Some(value),
        Change::Remove(_) => None,
    }
}

fn of_change(change: &Change) -> usize {
    let text = match change {
        Change::Set(..) => PLACEHOLDER + " = ".len() + PLACEHOLDER,
        Change::SetIfAbsent(..) => PLACEHOLDER + " = if_not_exists(, )".len() + 2 * PLACEHOLDER,
        Change::Add(..) => PLACEHOLDER + " ".len() + PLACEHOLDER,
        Change::Remove(_) => PLACEHOLDER,
    };
    text + ", ".len() + change.attribute().len() + value_of(change).map_or(0, Value::bytes)
}

fn of_condition(condition: &Condition) -> usize {
    match condition {
        Condition::Exists(name) => "attribute_exists()".len() + PLACEHOLDER + name.len(),
        Condition::Absent(name) => "attribute_not_exists()".len() + PLACEHOLDER + name.len(),
        Condition::Compare(name, _, value) => 2 * PLACEHOLDER + " <= ".len() + name.len() + value.bytes(),
        Condition::BeginsWith(name, prefix) => 2 * PLACEHOLDER + "begins_with(, )".len() + name.len() + prefix.len(),
        Condition::Lacks(name, element) => 2 * PLACEHOLDER + "NOT contains(, )".len() + name.len() + element.len(),
        Condition::Fewer(name, elements) => {
            2 * PLACEHOLDER + "size() < ".len() + name.len() + Value::from(*elements).bytes()
        }
        Condition::All(conditions) | Condition::Any(conditions) => {
            let parts = conditions.iter().map(|part| "() AND ".len() + of_condition(part));
            parts.sum()
        }
    }
}

fn largest_of_condition(condition: &Condition) -> usize {
    match condition {
        Condition::Exists(_) | Condition::Absent(_) | Condition::Fewer(..) => 0,
        Condition::Compare(_, _, value) => value.bytes(),
        Condition::BeginsWith(_, prefix) => prefix.len(),
        Condition::Lacks(_, element) => element.len(),
        Condition::All(conditions) | Condition::Any(conditions) => {
            conditions.iter().map(largest_of_condition).max().unwrap_or(0)
        }
    }
}
