//! A template's YAML as JSON, its short forms of functions spelled out: `!Sub x` is `{"Fn::Sub": x}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::TemplateError;

pub(super) fn read(text: &str) -> Result<Map<String, Value>, TemplateError> {
    let documents = Yaml::load_from_str(text);
    let documents = documents.map_err(|error| TemplateError::new(format!("the template is not YAML: {error}")))?;
    match documents.first().map(as_json).transpose()? {
        Some(Value::Object(document)) => Ok(document),
        _ => Err(TemplateError::new("the template is not an object")),
    }
}

fn as_json(node: &Yaml<'_>) -> Result<Value, TemplateError> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(nodes) => Value::Array(nodes.iter().map(as_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(fields) => {
            let field = |(name, value): (&Yaml<'_>, &Yaml<'_>)| Ok((name_of(name)?, as_json(value)?));
            Value::Object(fields.iter().map(field).collect::<Result<_, TemplateError>>()?)
        }
        Yaml::Tagged(tag, node) => {
            let function = match tag.suffix.as_str() {
                short @ ("Ref" | "Condition") => short.to_owned(),
                other => format!("Fn::{other}"),
            };
            json!({function: as_json(node)?})
        }
        _ => {
            return Err(TemplateError::new(
                "the template has an alias or a value that is not read here",
            ));
        }
    })
}

fn name_of(node: &Yaml<'_>) -> Result<String, TemplateError> {
    match as_json(node)? {
        Value::String(name) => Ok(name),
        // `Null` and `2012-10-17` are names that need no quotes.
        other @ (Value::Number(_) | Value::Bool(_)) => Ok(other.to_string()),
        _ => Err(TemplateError::new("a field of the template has no name")),
    }
}
