//! Values of the engine as attribute values of DynamoDB, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use onecommit_engine::{Item, Value};

pub(crate) fn to_attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Number(text) => AttributeValue::N(text.clone()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Bytes(bytes) => AttributeValue::B(Blob::new(bytes.clone())),
        Value::List(values) => AttributeValue::L(values.iter().map(to_attribute).collect()),
        Value::Map(item) => AttributeValue::M(to_attributes(item)),
        Value::ByteSet(elements) => AttributeValue::Bs(elements.iter().cloned().map(Blob::new).collect()),
    }
}

pub(crate) fn to_attributes(item: &Item) -> HashMap<String, AttributeValue> {
    item.iter()
        .map(|(name, value)| (name.clone(), to_attribute(value)))
        .collect()
}

pub(crate) fn from_attribute(attribute: AttributeValue) -> Value {
    match attribute {
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::N(text) => Value::Number(text),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::B(blob) => Value::Bytes(blob.into_inner()),
        AttributeValue::L(values) => Value::List(values.into_iter().map(from_attribute).collect()),
        AttributeValue::M(item) => Value::Map(from_attributes(item)),
        AttributeValue::Ss(texts) => Value::List(texts.into_iter().map(Value::String).collect()),
        AttributeValue::Ns(numbers) => Value::List(numbers.into_iter().map(Value::Number).collect()),
        AttributeValue::Bs(blobs) => Value::ByteSet(blobs.into_iter().map(Blob::into_inner).collect()),
        _ => Value::Null,
    }
}

pub(crate) fn from_attributes(item: HashMap<String, AttributeValue>) -> Item {
    item.into_iter()
        .map(|(name, attribute)| (name, from_attribute(attribute)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_survives_a_round_trip() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Number("12345678901234567890.5".into()),
            Value::String("é".into()),
            Value::Bytes(vec![0, 255]),
            Value::List(vec![Value::Null, Value::from(1)]),
            Value::Map([("a".to_owned(), Value::from("b"))].into()),
            Value::ByteSet([vec![0, 255], vec![1]].into()),
        ];
        for value in values {
            assert_eq!(from_attribute(to_attribute(&value)), value);
        }
    }
}
