use serde_json::Value;

use super::PolicyError;
use super::statement::texts;
use crate::call::{Call, Key};
use crate::pattern::{matches, matches_arn};

/// One test of one key of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    key: Key,
    test: Test,
    quantifier: Quantifier,
    if_exists: bool,
    wanted: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Quantifier {
    /// The key has one value.
    Single,
    /// Each of the values passes the test; none is enough.
    All,
    /// One of them does.
    Any,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Test {
    Equals,
    NotEquals,
    EqualsIgnoringCase,
    Like,
    NotLike,
    ArnLike,
    ArnNotLike,
    Bool,
    Null,
}

const TESTS: [(&str, Test); 11] = [
    ("StringEquals", Test::Equals),
    ("StringNotEquals", Test::NotEquals),
    ("StringEqualsIgnoreCase", Test::EqualsIgnoringCase),
    ("StringLike", Test::Like),
    ("StringNotLike", Test::NotLike),
    ("ArnEquals", Test::ArnLike),
    ("ArnLike", Test::ArnLike),
    ("ArnNotEquals", Test::ArnNotLike),
    ("ArnNotLike", Test::ArnNotLike),
    ("Bool", Test::Bool),
    ("Null", Test::Null),
];

impl Condition {
    pub(super) fn read_all(place: &str, block: &Value) -> Result<Vec<Self>, PolicyError> {
        let operators = block
            .as_object()
            .ok_or_else(|| PolicyError::new(place, "`Condition` must be an object"))?;
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let (quantifier, test, if_exists) = operator_named(place, operator)?;
            let keys = keys
                .as_object()
                .ok_or_else(|| PolicyError::new(place, format!("`{operator}` must be an object")))?;
            for (name, wanted) in keys {
                let key = Key::named(name).ok_or_else(|| {
                    PolicyError::new(place, format!("the condition key `{name}` is not evaluated here"))
                })?;
                let condition = Self {
                    key,
                    test,
                    quantifier,
                    if_exists,
                    wanted: texts(place, operator, wanted)?,
                };
                condition.check(place, operator)?;
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }

    fn check(&self, place: &str, operator: &str) -> Result<(), PolicyError> {
        let key = self.key;
        let problem = match (self.test, self.quantifier) {
            _ if self.wanted.is_empty() => format!("`{operator}` compares {key} with nothing"),
            (Test::Bool | Test::Null, _) if !self.wanted.iter().all(|one| one == "true" || one == "false") => {
                format!("`{operator}` of {key} must be true or false")
            }
            (Test::Null, Quantifier::Single) => return Ok(()),
            (Test::Null, _) => format!("`{operator}` is not an operator"),
            (_, Quantifier::Single) if key.has_many_values() => {
                format!("{key} has many values: `{operator}` needs ForAllValues or ForAnyValue before it")
            }
            (_, Quantifier::All | Quantifier::Any) if !key.has_many_values() => {
                format!("{key} has one value: `{operator}` must be without its quantifier")
            }
            _ => return Ok(()),
        };
        Err(PolicyError::new(place, problem))
    }

    /// `ForAllValues` holds for a request that does not have the key at all, such as a scan, which is for no one
    /// partition. A statement that grants something has to refuse those itself.
    pub(super) fn require_presence(place: &str, conditions: &[Self]) -> Result<(), PolicyError> {
        let is_required = |key: Key| {
            let requires = |one: &Self| one.key == key && one.test == Test::Null && one.wanted == ["false"];
            conditions.iter().any(requires)
        };
        let weak = conditions
            .iter()
            .find(|one| one.quantifier == Quantifier::All && !is_required(one.key));
        match weak {
            Some(weak) => Err(PolicyError::new(
                place,
                format!(
                    "ForAllValues lets requests pass that have no {key}; add Null: {{ \"{key}\": \"false\" }}",
                    key = weak.key
                ),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn holds(&self, call: &Call) -> bool {
        let values = call.keys.get(&self.key).map(Vec::as_slice);
        if self.test == Test::Null {
            let is_absent = values.is_none_or(<[String]>::is_empty).to_string();
            return self.wanted.contains(&is_absent);
        }
        match (values, self.quantifier) {
            (None | Some([]), Quantifier::All) => true,
            (None | Some([]), Quantifier::Any) => false,
            (None | Some([]), Quantifier::Single) => self.if_exists || self.test.is_negated(),
            (Some(values), Quantifier::All) => values.iter().all(|value| self.passes(value)),
            (Some(values), Quantifier::Single | Quantifier::Any) => values.iter().any(|value| self.passes(value)),
        }
    }

    fn passes(&self, value: &str) -> bool {
        let any = |passes: &dyn Fn(&str, &str) -> bool| self.wanted.iter().any(|wanted| passes(wanted, value));
        match self.test {
            Test::Equals => any(&|wanted, value| wanted == value),
            Test::NotEquals => !any(&|wanted, value| wanted == value),
            Test::EqualsIgnoringCase | Test::Bool => any(&str::eq_ignore_ascii_case),
            Test::Like => any(&matches),
            Test::NotLike => !any(&matches),
            Test::ArnLike => any(&matches_arn),
            Test::ArnNotLike => !any(&matches_arn),
            // Asked before, of the key and not of a value.
            Test::Null => false,
        }
    }
}

impl Test {
    fn is_negated(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotLike | Self::ArnNotLike)
    }
}

fn operator_named(place: &str, operator: &str) -> Result<(Quantifier, Test, bool), PolicyError> {
    let (quantifier, rest) = match operator.split_once(':') {
        Some(("ForAllValues", rest)) => (Quantifier::All, rest),
        Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
        Some(_) => (Quantifier::Single, ""),
        None => (Quantifier::Single, operator),
    };
    let (name, if_exists) = match rest.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (rest, false),
    };
    let known = TESTS
        .iter()
        .find(|(known, test)| *known == name && !(if_exists && *test == Test::Null));
    match known {
        Some((_, test)) => Ok((quantifier, *test, if_exists)),
        None => Err(PolicyError::new(
            place,
            format!("the operator `{operator}` is not evaluated here"),
        )),
    }
}
