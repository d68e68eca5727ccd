use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A value in a table, in the types DynamoDB has (sets of texts and of numbers left out).
///
/// An implementation of tables has to store each of them as it is, so a further one should not compile unnoticed: this is
/// not `#[non_exhaustive]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number as decimal text, so that none is rounded: DynamoDB keeps 38 digits.
    Number(String),
    /// A text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(Item),
    /// Different bytes without order, at least one of them: a set grows and is looked into without being read.
    ByteSet(BTreeSet<Vec<u8>>),
}

/// A row of a table, or a map in one: values by attribute name.
pub type Item = BTreeMap<String, Value>;

impl Value {
    /// The text, when this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when this is a whole one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The number, when this is a whole one that is not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Anything serde can write, as a value.
    ///
    /// # Errors
    /// When it cannot be written as JSON, for example a map whose keys are no texts.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_value(value).map(Self::from)
    }

    /// How many bytes DynamoDB counts for this value
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>).
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Number(text) => text.len().div_ceil(2) + 2,
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(values) => 3 + values.iter().map(|value| value.bytes() + 1).sum::<usize>(),
            Self::Map(item) => 3 + item.len() + item_bytes(item),
            Self::ByteSet(elements) => elements.iter().map(Vec::len).sum(),
        }
    }
}

/// How many bytes DynamoDB counts for an item: names and values.
#[must_use]
pub fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.bytes()).sum()
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => Self::Map(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

macro_rules! from_whole_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(number.to_string())
            }
        }
    )*};
}

from_whole_numbers!(i32, i64, u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_dynamodb_documents() {
        let item: Item = [
            ("pk".to_owned(), Value::from("abc")),
            ("n".to_owned(), Value::from(1234)),
        ]
        .into();
        assert_eq!(item_bytes(&item), 2 + 3 + 1 + 4);
        assert_eq!(Value::List(vec![Value::Null, Value::Bool(true)]).bytes(), 3 + 2 + 2);
        assert_eq!(
            Value::Map(Item::from([("a".to_owned(), Value::Null)])).bytes(),
            3 + 1 + 2
        );
    }

    #[test]
    fn anything_serializable_becomes_a_value() {
        let value = Value::of(&serde_json::json!({"a": [1, "x", null, 2.5]})).unwrap();
        let Value::Map(fields) = value else { panic!("not a map") };
        let expected = [
            Value::from(1),
            Value::from("x"),
            Value::Null,
            Value::Number("2.5".into()),
        ];
        assert_eq!(fields["a"], Value::List(expected.into()));
    }
}
