//! Rows as DynamoDB answers them, in the engine's words.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use onecommit_engine::{Item, Value};

pub(crate) fn item(row: HashMap<String, AttributeValue>) -> Item {
    row.into_iter()
        .map(|(name, value)| (name, self::value(value)))
        .collect()
}

fn value(attribute: AttributeValue) -> Value {
    match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::N(number) => Value::Number(number),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::B(bytes) => Value::Bytes(bytes.into_inner()),
        AttributeValue::L(values) => Value::List(values.into_iter().map(value).collect()),
        AttributeValue::M(map) => Value::Map(item(map)),
        AttributeValue::Bs(elements) => Value::ByteSet(elements.into_iter().map(Blob::into_inner).collect()),
        other => panic!("nothing here writes {other:?}"),
    }
}

/// The text in a row's attribute.
pub(crate) fn text<'a>(row: &'a Item, attribute: &str) -> Option<&'a str> {
    row.get(attribute).and_then(Value::as_str)
}

/// The whole number in a row's attribute.
pub(crate) fn number(row: &Item, attribute: &str) -> Option<i64> {
    row.get(attribute).and_then(Value::as_i64)
}
