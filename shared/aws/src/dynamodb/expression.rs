//! Conditions and changes in DynamoDB's expression language. Names and values always go through placeholders, so that
//! no attribute name is a reserved word and no value is read as code.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use onecommit_engine::{Change, Comparison, Condition, Value};

use crate::dynamodb::attribute::to_attribute;

/// Expressions of one action with the placeholders they share.
#[derive(Debug, Default)]
pub(crate) struct Expressions {
    names: HashMap<String, String>,
    placeholders: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    pub(crate) fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Exists(name) => format!("attribute_exists({})", self.name(name)),
            Condition::Absent(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::Compare(name, comparison, value) => {
                format!("{} {} {}", self.name(name), sign(*comparison), self.value(value))
            }
            Condition::BeginsWith(name, prefix) => {
                format!("begins_with({}, {})", self.name(name), self.value(&Value::from(prefix)))
            }
            Condition::Lacks(name, element) => {
                let element = Value::Bytes(element.clone());
                format!("NOT contains({}, {})", self.name(name), self.value(&element))
            }
            Condition::Fewer(name, elements) => {
                format!("size({}) < {}", self.name(name), self.value(&Value::from(*elements)))
            }
            Condition::All(conditions) => self.joined(conditions, " AND "),
            Condition::Any(conditions) => self.joined(conditions, " OR "),
        }
    }

    pub(crate) fn between(&mut self, name: &str, least: &Value, most: &Value) -> String {
        format!(
            "{} BETWEEN {} AND {}",
            self.name(name),
            self.value(least),
            self.value(most)
        )
    }

    /// `None` for no attributes: all are selected.
    pub(crate) fn projection(&mut self, attributes: &[String]) -> Option<String> {
        let names: Vec<String> = attributes.iter().map(|name| self.name(name)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    pub(crate) fn update(&mut self, changes: &[Change]) -> Option<String> {
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            let name = self.name(change.attribute());
            match change {
                Change::Set(_, value) => set.push(format!("{name} = {}", self.value(value))),
                Change::SetIfAbsent(_, value) => {
                    set.push(format!("{name} = if_not_exists({name}, {})", self.value(value)));
                }
                Change::Add(_, amount) => add.push(format!("{name} {}", self.value(amount))),
                Change::Remove(_) => remove.push(name),
            }
        }
        let mut expression = String::new();
        for (keyword, parts) in [("SET", set), ("ADD", add), ("REMOVE", remove)] {
            if !parts.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(expression, "{keyword} {} ", parts.join(", "));
            }
        }
        (!expression.is_empty()).then(|| expression.trim_end().to_owned())
    }

    /// One alone gets no parentheses: DynamoDB refuses those that say nothing, as in `((a))`.
    fn joined(&mut self, conditions: &[Condition], separator: &str) -> String {
        if let [only] = conditions {
            return self.condition(only);
        }
        let parts: Vec<String> = conditions
            .iter()
            .map(|condition| format!("({})", self.condition(condition)))
            .collect();
        parts.join(separator)
    }

    fn name(&mut self, attribute: &str) -> String {
        if let Some(known) = self.placeholders.get(attribute) {
            return known.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), attribute.to_owned());
        self.placeholders.insert(attribute.to_owned(), placeholder.clone());
        placeholder
    }

    fn value(&mut self, value: &Value) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), to_attribute(value));
        placeholder
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_written_with_placeholders_only() {
        let mut expressions = Expressions::default();
        let condition = Condition::absent("seq")
            .or(Condition::less("seq", 7))
            .and(Condition::equals("status", "x"));
        let text = expressions.condition(&condition);
        assert_eq!(text, "((attribute_not_exists(#n0)) OR (#n0 < :v0)) AND (#n1 = :v1)");
        assert_eq!(expressions.names().unwrap()["#n1"], "status");
        assert_eq!(expressions.values().unwrap()[":v0"], AttributeValue::N("7".into()));
    }

    #[test]
    fn a_condition_of_one_part_has_no_parentheses() {
        let one = Condition::All(vec![Condition::Any(vec![Condition::exists("a")])]);
        let text = Expressions::default().condition(&Condition::All(vec![one.clone(), one]));
        assert_eq!(text, "(attribute_exists(#n0)) AND (attribute_exists(#n0))");
    }

    #[test]
    fn sets_are_looked_into_by_functions() {
        let mut expressions = Expressions::default();
        let text = expressions.condition(&Condition::lacks("set", [1]).and(Condition::fewer("set", 2)));
        assert_eq!(text, "(NOT contains(#n0, :v0)) AND (size(#n0) < :v1)");
        let element = AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([1]));
        assert_eq!(expressions.values().unwrap()[":v0"], element);
    }

    #[test]
    fn selected_attributes_share_the_placeholders_of_the_condition() {
        let mut expressions = Expressions::default();
        expressions.condition(&Condition::equals("version", 1));
        let selected = ["version".to_owned(), "event".to_owned()];
        assert_eq!(expressions.projection(&selected).unwrap(), "#n0, #n1");
        assert_eq!(expressions.projection(&[]), None);
    }

    #[test]
    fn changes_are_gathered_by_keyword() {
        let mut expressions = Expressions::default();
        let changes = [
            Change::Add("paid".into(), Value::from(5)),
            Change::Set("status".into(), Value::from("paid")),
            Change::SetIfAbsent("created".into(), Value::from("now")),
            Change::Remove("draft".into()),
        ];
        let text = expressions.update(&changes).unwrap();
        assert_eq!(
            text,
            "SET #n1 = :v1, #n2 = if_not_exists(#n2, :v2) ADD #n0 :v0 REMOVE #n3"
        );
        assert_eq!(Expressions::default().update(&[]), None);
    }
}
