//! What a write makes of a row, and what DynamoDB refuses only when it sees the row.

use onecommit_engine::{Change, Decimal, Item, Value, Write};

use super::{Refusal, refusals};

/// The row after the write; `None` is a row that is not there.
pub(super) fn after(write: &Write, row: Option<&Item>) -> Result<Option<Item>, Refusal> {
    match write {
        Write::Put(put) => Ok(Some(kept(put.item()))),
        Write::Delete(_) => Ok(None),
        Write::Check(_) => Ok(row.cloned()),
        Write::Update(update) => {
            let new = || kept(&write.key().attributes().iter().cloned().collect());
            let mut row = row.cloned().unwrap_or_else(new);
            update.changes().iter().try_for_each(|change| apply(&mut row, change))?;
            refusals::of_item(&row)?;
            Ok(Some(row))
        }
    }
}

fn apply(row: &mut Item, change: &Change) -> Result<(), Refusal> {
    match change {
        Change::Set(name, value) => {
            row.insert(name.clone(), kept_value(value));
        }
        Change::SetIfAbsent(name, value) => {
            row.entry(name.clone()).or_insert_with(|| kept_value(value));
        }
        Change::Add(name, amount) => {
            let sum = match row.get(name) {
                None => kept_value(amount),
                Some(before) => sum(before, amount).map_err(|refusal| format!("{name}: {refusal}"))?,
            };
            row.insert(name.clone(), sum);
        }
        Change::Remove(name) => {
            row.remove(name);
        }
    }
    Ok(())
}

fn sum(before: &Value, amount: &Value) -> Result<Value, Refusal> {
    let (before, amount) = match (before, amount) {
        (Value::Number(before), Value::Number(amount)) => (before, amount),
        (Value::ByteSet(before), Value::ByteSet(more)) => return Ok(Value::ByteSet(before | more)),
        (_, Value::ByteSet(_)) => return Err("the attribute to add to is not a set of bytes".into()),
        _ => return Err("the attribute to add to is not a number".into()),
    };
    let number = |text| Decimal::parse(text);
    let sum = number(before).and_then(|before| before.plus(&number(amount)?));
    sum.map(|sum| Value::Number(sum.to_string()))
        .map_err(|refusal| refusal.to_string())
}

/// One number is kept in one way, however it was written.
fn kept(item: &Item) -> Item {
    item.iter()
        .map(|(name, value)| (name.clone(), kept_value(value)))
        .collect()
}

fn kept_value(value: &Value) -> Value {
    match value {
        Value::Number(text) => {
            Value::Number(Decimal::parse(text).map_or_else(|_| text.clone(), |number| number.to_string()))
        }
        Value::List(values) => Value::List(values.iter().map(kept_value).collect()),
        Value::Map(item) => Value::Map(kept(item)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Bytes(_) | Value::ByteSet(_) => value.clone(),
    }
}
