use graphql_tools::static_graphql::query::{Type, Value, VariableDefinition};
use graphql_tools::static_graphql::schema::TypeDefinition;
use serde_json::{Map, Number, Value as Json};

use crate::codes;
use crate::error::GraphError;
use crate::schema::Schema;

/// The variables of an operation, each as its type says, with defaults where nothing was sent.
///
/// An error names the variable and the place in it, and never what was sent.
pub(crate) fn coerce(
    schema: &Schema,
    definitions: &[VariableDefinition],
    sent: &Map<String, Json>,
) -> Result<Map<String, Json>, Vec<GraphError>> {
    let mut values = Map::new();
    let mut errors = Vec::new();
    for definition in definitions {
        let name = &definition.name;
        let default = definition.default_value.as_ref().and_then(constant);
        match (sent.get(name), default) {
            (Some(value), _) => match coerced(schema, &definition.var_type, value) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(wrong) => errors.push(error(name, &wrong)),
            },
            (None, Some(default)) => {
                values.insert(name.clone(), default);
            }
            (None, None) if matches!(definition.var_type, Type::NonNullType(_)) => {
                errors.push(error(name, &Wrong::new("a value is required")));
            }
            (None, None) => {}
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

fn error(variable: &str, wrong: &Wrong) -> GraphError {
    GraphError::new(
        codes::VARIABLES,
        format!("${variable}{}: {}", wrong.place, wrong.problem),
    )
}

/// What is wrong, and where below the variable.
struct Wrong {
    place: String,
    problem: String,
}

impl Wrong {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            place: String::new(),
            problem: problem.into(),
        }
    }

    fn below(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }
}

fn coerced(schema: &Schema, kind: &Type, value: &Json) -> Result<Json, Wrong> {
    match (kind, value) {
        (Type::NonNullType(_), Json::Null) => Err(Wrong::new("null is not allowed")),
        (_, Json::Null) => Ok(Json::Null),
        (Type::NonNullType(kind), value) => coerced(schema, kind, value),
        (Type::ListType(kind), Json::Array(entries)) => {
            let entries = entries
                .iter()
                .enumerate()
                .map(|(index, entry)| coerced(schema, kind, entry).map_err(|wrong| wrong.below(&format!("[{index}]"))));
            entries.collect::<Result<_, _>>().map(Json::Array)
        }
        // One value stands for a list of one.
        (Type::ListType(kind), value) => Ok(Json::Array(vec![coerced(schema, kind, value)?])),
        (Type::NamedType(name), value) => named(schema, name, value),
    }
}

fn named(schema: &Schema, name: &str, value: &Json) -> Result<Json, Wrong> {
    let expected = |what: &str| Err(Wrong::new(format!("expected {what}")));
    match (name, value) {
        ("Int", Json::Number(number)) if whole(number).is_some_and(|number| i32::try_from(number).is_ok()) => {
            Ok(whole(number).map_or(Json::Null, Json::from))
        }
        ("Int", _) => expected("a whole number of 32 bits"),
        ("Float", Json::Number(_)) => Ok(value.clone()),
        ("Float", _) => expected("a number"),
        ("String", Json::String(_)) => Ok(value.clone()),
        ("String", _) => expected("a text"),
        ("Boolean", Json::Bool(_)) => Ok(value.clone()),
        ("Boolean", _) => expected("true or false"),
        ("ID", Json::String(_)) => Ok(value.clone()),
        ("ID", Json::Number(number)) if whole(number).is_some() => Ok(value.clone()),
        ("ID", _) => expected("an id: a text or a whole number"),
        (name, value) => match schema.named(name).map(|kind| &kind.definition) {
            Some(TypeDefinition::Enum(kind)) => match value {
                Json::String(text) if kind.values.iter().any(|value| value.name == *text) => Ok(value.clone()),
                _ => expected(&format!("a value of {name}")),
            },
            Some(TypeDefinition::InputObject(_)) => input_object(schema, name, value),
            // What a scalar of its own accepts, its subgraph knows.
            _ => Ok(value.clone()),
        },
    }
}

fn input_object(schema: &Schema, name: &str, value: &Json) -> Result<Json, Wrong> {
    let Json::Object(members) = value else {
        return Err(Wrong::new(format!("expected an object of {name}")));
    };
    let Some(kind) = schema.named(name) else {
        return Ok(value.clone());
    };
    let fields = kind.input_fields();
    if members
        .keys()
        .any(|member| fields.iter().all(|field| field.name != *member))
    {
        return Err(Wrong::new(format!("has a field that {name} does not have")));
    }
    if kind.definition.is_one_of() && (members.len() != 1 || members.values().any(Json::is_null)) {
        return Err(Wrong::new(format!("expected exactly one field of {name}")));
    }
    let mut object = Map::new();
    for field in fields {
        let below = |wrong: Wrong| wrong.below(&format!(".{}", field.name));
        let is_required = matches!(field.value_type, Type::NonNullType(_)) && field.default_value.is_none();
        match members.get(&field.name) {
            Some(value) => {
                let value = coerced(schema, &field.value_type, value).map_err(below)?;
                object.insert(field.name.clone(), value);
            }
            None if is_required => return Err(below(Wrong::new("a value is required"))),
            None => {}
        }
    }
    Ok(Json::Object(object))
}

/// A whole number, however it is written.
fn whole(number: &Number) -> Option<i64> {
    let float = || {
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && float.abs() < 9e15;
        is_whole.then_some(float as i64)
    };
    number.as_i64().or_else(float)
}

/// A literal as JSON; nothing for one with variables.
pub(crate) fn constant(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Variable(_) => return None,
        Value::Int(number) => Json::from(number.as_i64()?),
        Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::String(text) | Value::Enum(text) => Json::String(text.clone()),
        Value::Boolean(value) => Json::Bool(*value),
        Value::Null => Json::Null,
        Value::List(entries) => Json::Array(entries.iter().map(constant).collect::<Option<_>>()?),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Some((name.clone(), constant(value)?)));
            Json::Object(members.collect::<Option<_>>()?)
        }
    })
}
