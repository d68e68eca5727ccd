//! How large the expressions of a request are, in DynamoDB's language with placeholders for names and values
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters>).

use std::collections::HashSet;

use onecommit_engine::{Change, Condition, Value};

use super::Refusal;

/// The longest expression.
const TEXT_BYTES_MAX: usize = 4 * 1024;
/// The most operators and functions of an expression.
const OPERATORS_MAX: usize = 300;
/// The most bytes of all names and values that placeholders stand for.
const SUBSTITUTES_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The size of an expression.
#[derive(Debug, Default)]
pub(super) struct Expression<'a> {
    text_bytes: usize,
    operators: usize,
    names: HashSet<&'a str>,
    values: usize,
    value_bytes: usize,
}

impl<'a> Expression<'a> {
    pub(super) fn of_condition(condition: &'a Condition) -> Self {
        let mut expression = Self::default();
        expression.add_condition(condition);
        expression
    }

    pub(super) fn of_selection(names: &'a [String]) -> Self {
        let mut expression = Self::default();
        names.iter().for_each(|name| {
            expression.add_name(name);
            expression.text_bytes += ", ".len();
        });
        expression
    }

    pub(super) fn of_update(changes: &'a [Change]) -> Self {
        let mut expression = Self::default();
        changes.iter().for_each(|change| expression.add_change(change));
        expression
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        let names: usize = self.names.iter().map(|name| name.len()).sum();
        for (what, size, most) in [
            ("bytes", self.text_bytes, TEXT_BYTES_MAX),
            ("operators", self.operators, OPERATORS_MAX),
            (
                "bytes of names and values",
                names + self.value_bytes,
                SUBSTITUTES_BYTES_MAX,
            ),
        ] {
            if size > most {
                return Err(format!("an expression has {size} {what}, at most {most} fit"));
            }
        }
        Ok(())
    }

    fn add_condition(&mut self, condition: &'a Condition) {
        match condition {
            Condition::Exists(name) => self.add_function("attribute_exists()", name),
            Condition::Absent(name) => self.add_function("attribute_not_exists()", name),
            Condition::Compare(name, _, value) => {
                self.add_operator(" = ");
                self.add_name(name);
                self.add_value(value.bytes());
            }
            Condition::BeginsWith(name, prefix) => {
                self.add_function("begins_with(, )", name);
                self.add_value(prefix.len());
            }
            Condition::Lacks(name, element) => {
                self.add_operator("NOT ");
                self.add_function("contains(, )", name);
                self.add_value(element.len());
            }
            Condition::Fewer(name, elements) => {
                self.add_function("size()", name);
                self.add_operator(" < ");
                self.add_value(Value::from(*elements).bytes());
            }
            Condition::All(conditions) | Condition::Any(conditions) => {
                for condition in conditions {
                    self.text_bytes += "()".len();
                    self.add_condition(condition);
                }
                for _ in 1..conditions.len() {
                    self.add_operator(" OR ");
                }
            }
        }
    }

    fn add_change(&mut self, change: &'a Change) {
        match change {
            Change::Set(name, value) => {
                self.add_operator(" = , ");
                self.add_name(name);
                self.add_value(value.bytes());
            }
            Change::SetIfAbsent(name, value) => {
                self.add_operator(" = , ");
                self.add_name(name);
                self.add_function("if_not_exists(, )", name);
                self.add_value(value.bytes());
            }
            Change::Add(name, amount) => {
                self.text_bytes += " , ".len();
                self.add_name(name);
                self.add_value(Value::bytes(amount));
            }
            Change::Remove(name) => {
                self.text_bytes += ", ".len();
                self.add_name(name);
            }
        }
    }

    fn add_function(&mut self, function: &str, name: &'a str) {
        self.add_operator(function);
        self.add_name(name);
    }

    fn add_operator(&mut self, operator: &str) {
        self.operators += 1;
        self.text_bytes += operator.len();
    }

    /// One placeholder for each name, however often it is used.
    fn add_name(&mut self, name: &'a str) {
        self.names.insert(name);
        self.text_bytes += "#n".len() + digits(self.names.len());
    }

    fn add_value(&mut self, bytes: usize) {
        self.values += 1;
        self.value_bytes += bytes;
        self.text_bytes += ":v".len() + digits(self.values);
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}
