//! What sabotages do to writes.

#![allow(dead_code, reason = "the bugs that need them follow")]

use onecommit_commit::{Change, Condition, Update, Value, Write};
use onecommit_testing::simulation::{LEDGER, Sabotage};

/// Of a process that a bug is not in.
pub(super) struct Untouched;

impl Sabotage for Untouched {}

/// The same whatever holds. A mere check cannot be: it stays as it is.
pub(super) fn unconditional(write: Write) -> Write {
    let (table, key) = (write.table().clone(), write.key().clone());
    match write {
        Write::Put(put) => table.put(key, put.item().clone()).into(),
        Write::Update(update) => changed(table.update(key), update.changes()).into(),
        Write::Delete(_) => table.delete(key).into(),
        check @ Write::Check(_) => check,
    }
}

/// The same under another condition.
pub(super) fn only_if(write: Write, condition: Condition) -> Write {
    let (table, key) = (write.table().clone(), write.key().clone());
    match write {
        Write::Put(put) => table.put(key, put.item().clone()).only_if(condition).into(),
        Write::Update(update) => changed(table.update(key), update.changes()).only_if(condition).into(),
        Write::Delete(_) => table.delete(key).only_if(condition).into(),
        Write::Check(_) => table.check(key, condition).into(),
    }
}

fn changed(update: Update, changes: &[Change]) -> Update {
    changes.iter().cloned().fold(update, |update, change| match change {
        Change::Set(name, value) => update.set(name, value),
        Change::SetIfAbsent(name, value) => update.set_if_absent(name, value),
        Change::Add(name, amount) => update.add(name, amount.as_i64().unwrap_or(0)),
        Change::Remove(name) => update.remove(name),
    })
}

/// What an update sets an attribute to, if it does.
pub(super) fn set_by<'a>(write: &'a Write, attribute: &str) -> Option<&'a Value> {
    let Write::Update(update) = write else { return None };
    update.changes().iter().find_map(|change| match change {
        Change::Set(name, value) if name == attribute => Some(value),
        _ => None,
    })
}

/// Whether a write touches this table.
pub(super) fn is_of(write: &Write, table: &str) -> bool {
    write.table().name() == table
}

/// Whether a write is the ledger's record that a message was handled: the claim of a commit.
pub(super) fn is_record(write: &Write) -> bool {
    matches!(write, Write::Put(put) if is_of(write, LEDGER) && is_text(put.item().get("outcome"), "handled"))
}

pub(super) fn is_text(value: Option<&Value>, text: &str) -> bool {
    value.and_then(Value::as_str) == Some(text)
}
