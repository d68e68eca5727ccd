//! Templates of CloudFormation as the values that CloudFormation reads: `!Ref x` is `{"Ref": "x"}`.

use std::fs;

use saphyr::{LoadableYamlNode, Scalar, Tag, Yaml};
use serde_json::{Map, Number, Value, json};

use crate::workspace::root;

/// A template of this repository, by its path in it.
pub(crate) fn template(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(documents.len(), 1, "{path}");
    value(documents.remove(0))
}

fn value(yaml: Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(scalar) => of_scalar(scalar),
        Yaml::Sequence(items) => items.into_iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let members = members
                .into_iter()
                .map(|(key, member)| (text(&value(key)), value(member)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, node) => function(&tag, value(*node)),
        other => panic!("templates have no {other:?}"),
    }
}

fn of_scalar(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => json!(value),
        Scalar::Integer(value) => json!(value),
        Scalar::FloatingPoint(value) => Number::from_f64(value.into_inner()).map_or(Value::Null, Value::Number),
        Scalar::String(value) => json!(value),
    }
}

fn function(tag: &Tag, argument: Value) -> Value {
    let argument = match (tag.suffix.as_str(), &argument) {
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or_else(|| panic!("!GetAtt {path}"));
            json!([resource, attribute])
        }
        _ => argument,
    };
    let name = match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    };
    json!({ name: argument })
}

fn text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}
