use graphql_tools::static_graphql::schema::TypeDefinition;
use serde_json::Value;

/// Whether a subgraph's value is one of a scalar's or an enum's.
pub(super) fn fits(definition: &TypeDefinition, value: &Value) -> bool {
    match (definition, value) {
        (TypeDefinition::Enum(kind), Value::String(text)) => kind.values.iter().any(|value| value.name == *text),
        (TypeDefinition::Enum(_), _) => false,
        (TypeDefinition::Scalar(scalar), value) => match (scalar.name.as_str(), value) {
            ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            ("Float", Value::Number(_)) => true,
            ("String", Value::String(_)) => true,
            ("Boolean", Value::Bool(_)) => true,
            ("ID", Value::String(_)) => true,
            ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
            // What a scalar of its own looks like, its subgraph knows.
            _ => true,
        },
        _ => false,
    }
}
