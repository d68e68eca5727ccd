//! What DynamoDB refuses by looking at a request alone
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).

use std::collections::HashSet;

use onecommit_engine::{
    ACTIONS_MAX, BYTES_MAX, Change, Comparison, Condition, Decimal, ITEM_BYTES_MAX, Item, Key, Query, Update, Value,
    Write, item_bytes,
};

use super::Refusal;
use super::expressions::Expression;

/// The longest name of an attribute.
const NAME_BYTES_MAX: usize = 64 * 1024 - 1;
/// The longest name of an attribute of a key.
const KEY_NAME_BYTES_MAX: usize = 255;
/// The longest values of a partition key and of a sort key.
const KEY_BYTES_MAX: [usize; 2] = [2048, 1024];
/// How deep an item may be: it is the first level itself, a list or a map in it the second.
const LEVELS_MAX: usize = 32;

/// A transaction.
pub(super) fn of_transaction(writes: &[Write]) -> Result<(), Refusal> {
    if writes.is_empty() || writes.len() > ACTIONS_MAX {
        return Err(format!(
            "a transaction has 1 to {ACTIONS_MAX} actions, not {}",
            writes.len()
        ));
    }
    let mut targets = HashSet::with_capacity(writes.len());
    for write in writes {
        if matches!(write, Write::Update(update) if update.changes().is_empty()) {
            return Err("an update in a transaction has to change something".into());
        }
        if !targets.insert(write.target()) {
            return Err(format!("the transaction touches one item of {} twice", write.table()));
        }
        of_write(write)?;
    }
    let bytes: usize = writes.iter().map(Write::bytes).sum();
    if bytes > BYTES_MAX {
        return Err(format!("the transaction has {bytes} bytes; the limit is {BYTES_MAX}"));
    }
    Ok(())
}

/// A write, alone or in a transaction.
pub(super) fn of_write(write: &Write) -> Result<(), Refusal> {
    of_key(write.key())?;
    if let Some(condition) = write.condition() {
        of_condition(condition)?;
        Expression::of_condition(condition).check()?;
    }
    match write {
        Write::Put(put) => of_item(put.item()),
        Write::Update(update) => of_update(update, write.key()),
        Write::Delete(_) | Write::Check(_) => Ok(()),
    }
}

/// A row as it would be kept.
pub(super) fn of_item(item: &Item) -> Result<(), Refusal> {
    for (name, value) in item {
        of_attribute(name, value)?;
    }
    match item_bytes(item) {
        bytes if bytes > ITEM_BYTES_MAX => Err(format!("the item has {bytes} bytes; the limit is {ITEM_BYTES_MAX}")),
        _ => Ok(()),
    }
}

/// A query.
pub(super) fn of_query(query: &Query) -> Result<(), Refusal> {
    let (name, value) = query.partition();
    of_key_attribute(name, value, KEY_BYTES_MAX[0])?;
    if let Some((name, least, most)) = query.bounds() {
        [least, most]
            .into_iter()
            .try_for_each(|bound| of_key_attribute(name, bound, KEY_BYTES_MAX[1]))?;
        if !matches!(super::order(least, most), Some(order) if order.is_le()) {
            return Err(format!(
                "the bounds of {name} are not of one type, or the upper one is below the lower one"
            ));
        }
    }
    of_page(query.page_rows_max())?;
    query.selected().iter().try_for_each(|name| of_name(name))?;
    if query.selected().iter().collect::<HashSet<_>>().len() < query.selected().len() {
        return Err("the query selects one attribute twice".into());
    }
    Expression::of_selection(query.selected()).check()
}

/// How many rows a page is asked for.
pub(super) fn of_page(rows_max: Option<u32>) -> Result<(), Refusal> {
    match rows_max {
        Some(0) => Err("a page has at least one row".into()),
        _ => Ok(()),
    }
}

/// A key: a partition key, or one and a sort key.
pub(super) fn of_key(key: &Key) -> Result<(), Refusal> {
    let attributes = key.attributes();
    if attributes.len() > KEY_BYTES_MAX.len() {
        return Err(format!("a key has one attribute or two, not {}", attributes.len()));
    }
    let mut attributes = attributes.iter().zip(KEY_BYTES_MAX);
    attributes.try_for_each(|((name, value), bytes_max)| of_key_attribute(name, value, bytes_max))
}

fn of_key_attribute(name: &str, value: &Value, bytes_max: usize) -> Result<(), Refusal> {
    of_name(name)?;
    if name.len() > KEY_NAME_BYTES_MAX {
        return Err(format!(
            "a key's name has {} bytes, at most {KEY_NAME_BYTES_MAX} fit",
            name.len()
        ));
    }
    let bytes = match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Number(_) => return of_value(value, 1),
        _ => return Err(format!("the key {name} has to be a text, a number or bytes")),
    };
    match bytes {
        0 => Err(format!("the key {name} is empty")),
        _ if bytes > bytes_max => Err(format!("the key {name} has {bytes} bytes, at most {bytes_max} fit")),
        _ => Ok(()),
    }
}

fn of_update(update: &Update, key: &Key) -> Result<(), Refusal> {
    let mut changed = HashSet::with_capacity(update.changes().len());
    for change in update.changes() {
        let name = change.attribute();
        if !changed.insert(name) {
            return Err(format!("the update changes {name} twice"));
        }
        if key.attributes().iter().any(|(of_key, _)| of_key == name) {
            return Err(format!("the update changes {name}, which belongs to the key"));
        }
        match change {
            Change::Set(_, value) | Change::SetIfAbsent(_, value) => {
                of_attribute(name, value)?;
                of_expressions_value(name, value)?;
            }
            Change::Add(_, amount @ (Value::Number(_) | Value::ByteSet(_))) => of_attribute(name, amount)?,
            Change::Add(..) => return Err(format!("what is added to {name} is not a number or a set")),
            Change::Remove(_) => of_name(name)?,
        }
    }
    Expression::of_update(update.changes()).check()
}

fn of_condition(condition: &Condition) -> Result<(), Refusal> {
    match condition {
        Condition::Exists(name)
        | Condition::Absent(name)
        | Condition::BeginsWith(name, _)
        | Condition::Lacks(name, _)
        | Condition::Fewer(name, _) => of_name(name),
        Condition::Compare(name, comparison, value) => {
            let is_ordered = matches!(value, Value::Number(_) | Value::String(_) | Value::Bytes(_));
            if !is_ordered && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                return Err(format!("{name} is compared with what has no order"));
            }
            of_attribute(name, value)?;
            of_expressions_value(name, value)
        }
        Condition::All(conditions) | Condition::Any(conditions) if conditions.is_empty() => {
            Err("the condition is empty".into())
        }
        Condition::All(conditions) | Condition::Any(conditions) => conditions.iter().try_for_each(of_condition),
    }
}

/// Also where it would not become a part of the item: in a condition, or in place of a value that is there.
fn of_expressions_value(name: &str, value: &Value) -> Result<(), Refusal> {
    match value.bytes() {
        bytes if bytes > ITEM_BYTES_MAX => Err(format!(
            "the value for {name} has {bytes} bytes; the limit is {ITEM_BYTES_MAX}"
        )),
        _ => Ok(()),
    }
}

fn of_attribute(name: &str, value: &Value) -> Result<(), Refusal> {
    of_name(name)?;
    of_value(value, 1).map_err(|refusal| format!("{name}: {refusal}"))
}

fn of_name(name: &str) -> Result<(), Refusal> {
    match name.len() {
        0 => Err("the name of an attribute is empty".into()),
        bytes if bytes > NAME_BYTES_MAX => Err(format!(
            "the name of an attribute has {bytes} bytes, at most {NAME_BYTES_MAX} fit"
        )),
        _ => Ok(()),
    }
}

/// A value at this level of an item.
fn of_value(value: &Value, levels: usize) -> Result<(), Refusal> {
    match value {
        Value::List(_) | Value::Map(_) if levels >= LEVELS_MAX => {
            Err(format!("the item is more than {LEVELS_MAX} levels deep"))
        }
        Value::List(values) => values.iter().try_for_each(|value| of_value(value, levels + 1)),
        Value::Map(item) => item
            .iter()
            .try_for_each(|(name, value)| of_name(name).and_then(|()| of_value(value, levels + 1))),
        Value::Number(text) => Decimal::parse(text).map(drop).map_err(|refusal| refusal.to_string()),
        Value::ByteSet(elements) if elements.is_empty() => Err("a set has at least one element".into()),
        Value::ByteSet(_) => Ok(()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Bytes(_) => Ok(()),
    }
}
