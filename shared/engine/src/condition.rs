use crate::decimal::Decimal;
use crate::value::{Item, Value};

/// What must hold for a row, as data: an adapter writes it in its database's language, a simulation evaluates it.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The attribute is there.
    Exists(String),
    /// The attribute is not there.
    Absent(String),
    /// The attribute is there and compares so with the value.
    Compare(String, Comparison, Value),
    /// The attribute is there, a text, and begins with this.
    BeginsWith(String, String),
    /// The attribute is not there, or it has no such element.
    Lacks(String, Vec<u8>),
    /// The attribute is there, and has fewer elements than this.
    Fewer(String, u64),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// How two values of one type compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// The attribute is there.
    pub fn exists(attribute: impl Into<String>) -> Self {
        Self::Exists(attribute.into())
    }

    /// The attribute is not there. For an attribute of the key: there is no such row.
    pub fn absent(attribute: impl Into<String>) -> Self {
        Self::Absent(attribute.into())
    }

    /// The attribute is there and equals the value.
    pub fn equals(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Compare(attribute.into(), Comparison::Equal, value.into())
    }

    /// The attribute is there and less than the value.
    pub fn less(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Compare(attribute.into(), Comparison::Less, value.into())
    }

    /// The attribute is there and at least the value.
    pub fn at_least(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Compare(attribute.into(), Comparison::GreaterOrEqual, value.into())
    }

    /// The attribute is there, a text, and begins with `prefix`.
    pub fn begins_with(attribute: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self::BeginsWith(attribute.into(), prefix.into())
    }

    /// The attribute is not there, or is not a set of bytes that has this element. DynamoDB's `NOT contains(…)`.
    pub fn lacks(attribute: impl Into<String>, element: impl Into<Vec<u8>>) -> Self {
        Self::Lacks(attribute.into(), element.into())
    }

    /// The attribute is there, and is a set, a list or a map of fewer elements than this, or a text or bytes of fewer
    /// bytes. DynamoDB's `size(…) < …`.
    pub fn fewer(attribute: impl Into<String>, elements: u64) -> Self {
        Self::Fewer(attribute.into(), elements)
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// One of the two holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::Any(vec![self, other])
    }

    /// Whether it holds for a row; `None` is a row that is not there.
    #[must_use]
    pub fn holds(&self, row: Option<&Item>) -> bool {
        let attribute = |name: &String| row.and_then(|row| row.get(name));
        match self {
            Self::Exists(name) => attribute(name).is_some(),
            Self::Absent(name) => attribute(name).is_none(),
            Self::Compare(name, comparison, value) => {
                attribute(name).is_some_and(|found| comparison.holds(found, value))
            }
            Self::BeginsWith(name, prefix) => attribute(name)
                .and_then(Value::as_str)
                .is_some_and(|text| text.starts_with(prefix)),
            Self::Lacks(name, element) => !attribute(name).is_some_and(|found| contains(found, element)),
            Self::Fewer(name, elements) => attribute(name).and_then(size).is_some_and(|size| size < *elements),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(row)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(row)),
        }
    }
}

impl Comparison {
    fn holds(self, found: &Value, value: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (found, value) {
            (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
            (left, right) => (left == right).then_some(Equal),
        };
        match self {
            Self::Equal => order == Some(Equal),
            Self::NotEqual => order != Some(Equal),
            Self::Less => order == Some(Less),
            Self::LessOrEqual => matches!(order, Some(Less | Equal)),
            Self::Greater => order == Some(Greater),
            Self::GreaterOrEqual => matches!(order, Some(Greater | Equal)),
        }
    }
}

/// Whether a set or a list has the element, or bytes have it as a part.
fn contains(found: &Value, element: &[u8]) -> bool {
    match found {
        Value::ByteSet(elements) => elements.contains(element),
        Value::List(values) => values
            .iter()
            .any(|value| matches!(value, Value::Bytes(bytes) if bytes == element)),
        Value::Bytes(bytes) => element.is_empty() || bytes.windows(element.len()).any(|part| part == element),
        _ => false,
    }
}

/// What DynamoDB's function `size` counts; nothing for what has no size.
fn size(found: &Value) -> Option<u64> {
    let size = match found {
        Value::ByteSet(elements) => elements.len(),
        Value::List(values) => values.len(),
        Value::Map(item) => item.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    };
    Some(size as u64)
}

fn compare_numbers(left: &str, right: &str) -> Option<std::cmp::Ordering> {
    match (left.parse::<i128>(), right.parse::<i128>()) {
        (Ok(left), Ok(right)) => Some(left.cmp(&right)),
        _ => Some(Decimal::parse(left).ok()?.cmp(&Decimal::parse(right).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_holds_as_dynamodb_would_say() {
        let row: Item = [
            ("seq".to_owned(), Value::from(9)),
            ("name".to_owned(), Value::from("b")),
            ("exact".to_owned(), Value::Number("9007199254740993.1".into())),
            ("set".to_owned(), Value::ByteSet([vec![1], vec![2, 3]].into())),
        ]
        .into();
        let row = Some(&row);
        for (condition, holds) in [
            (Condition::exists("seq"), true),
            (Condition::absent("other"), true),
            (Condition::less("seq", 10), true),
            (Condition::less("seq", 9), false),
            (Condition::at_least("seq", 9), true),
            (Condition::less("name", "c"), true),
            (Condition::less("name", 10), false),
            (Condition::less("other", 10), false),
            (Condition::equals("seq", "9"), false),
            (
                Condition::equals("exact", Value::Number("9007199254740993.10".into())),
                true,
            ),
            (
                Condition::less("exact", Value::Number("9007199254740993.2".into())),
                true,
            ),
            (Condition::begins_with("name", "b"), true),
            (Condition::begins_with("name", "bc"), false),
            (Condition::begins_with("seq", "9"), false),
            (Condition::begins_with("other", ""), false),
            (Condition::lacks("set", [2, 3]), false),
            (Condition::lacks("set", [2]), true),
            (Condition::lacks("other", [1]), true),
            (Condition::lacks("name", *b"b"), true),
            (Condition::fewer("set", 3), true),
            (Condition::fewer("set", 2), false),
            (Condition::fewer("other", 2), false),
            (Condition::fewer("seq", 100), false),
            (Condition::absent("seq").or(Condition::less("seq", 10)), true),
            (Condition::absent("seq").and(Condition::less("seq", 10)), false),
        ] {
            assert_eq!(condition.holds(row), holds, "{condition:?}");
        }
        assert!(Condition::absent("pk").holds(None));
        assert!(!Condition::equals("pk", "x").holds(None));
    }

    #[test]
    fn values_compare_in_the_order_of_their_type() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let holds = |found: Value, comparison, value: Value| {
            let row: Item = [("a".to_owned(), found)].into();
            Condition::Compare("a".to_owned(), comparison, value).holds(Some(&row))
        };
        let pairs = [
            (Value::from(9), Value::from(10)),
            (Value::Number("0.5".into()), Value::Number("0.75".into())),
            (Value::from("a"), Value::from("b")),
            (Value::Bytes(vec![1]), Value::Bytes(vec![1, 0])),
        ];
        for (less, more) in pairs {
            for (comparison, if_less, if_same, if_more) in [
                (Equal, false, true, false),
                (NotEqual, true, false, true),
                (Less, true, false, false),
                (LessOrEqual, true, true, false),
                (Greater, false, false, true),
                (GreaterOrEqual, false, true, true),
            ] {
                assert_eq!(holds(less.clone(), comparison, more.clone()), if_less, "{comparison:?}");
                assert_eq!(holds(less.clone(), comparison, less.clone()), if_same, "{comparison:?}");
                assert_eq!(holds(more.clone(), comparison, less.clone()), if_more, "{comparison:?}");
            }
        }
        assert!(holds(Value::Bool(true), Equal, Value::Bool(true)));
        assert!(holds(Value::Bool(true), NotEqual, Value::Bool(false)));
        assert!(
            !holds(Value::Bool(true), GreaterOrEqual, Value::Bool(false)),
            "no order"
        );
    }

    #[test]
    fn what_has_elements_has_them_and_a_size() {
        let row: Item = [
            (
                "list".to_owned(),
                Value::List(vec![Value::Bytes(vec![1]), Value::from(2)]),
            ),
            ("map".to_owned(), Value::Map([("x".to_owned(), Value::Null)].into())),
            ("bytes".to_owned(), Value::Bytes(vec![1, 2, 3])),
            ("text".to_owned(), Value::from("four")),
            ("true".to_owned(), Value::Bool(true)),
        ]
        .into();
        for (attribute, element, lacks) in [
            ("list", vec![1], false),
            ("list", vec![2], true),
            ("bytes", vec![2, 3], false),
            ("bytes", vec![], false),
            ("bytes", vec![3, 2], true),
            ("map", vec![], true),
        ] {
            let condition = Condition::lacks(attribute, element);
            assert_eq!(condition.holds(Some(&row)), lacks, "{condition:?}");
        }
        for (attribute, size) in [("list", 2), ("map", 1), ("bytes", 3), ("text", 4)] {
            assert!(!Condition::fewer(attribute, size).holds(Some(&row)), "{attribute}");
            assert!(Condition::fewer(attribute, size + 1).holds(Some(&row)), "{attribute}");
        }
        assert!(!Condition::fewer("true", 9).holds(Some(&row)));
    }
}
