use serde_json::{Map, Value};

use crate::possible_types::PossibleTypes;

/// Puts what a subgraph says of an object to what is known of it. A null says nothing about a value that is there, and the
/// name of an interface nothing about an object whose own type is known: a subgraph may know it by its interface alone.
pub(super) fn merge(target: &mut Value, source: Value, types: &PossibleTypes) {
    match (target, source) {
        (_, Value::Null) => {}
        (Value::Object(target), Value::Object(source)) => merge_objects(target, source, types),
        (Value::Array(target), Value::Array(source)) => {
            for (target, source) in target.iter_mut().zip(source) {
                merge(target, source, types);
            }
        }
        (target, source) => *target = source,
    }
}

pub(super) fn merge_objects(target: &mut Map<String, Value>, source: Map<String, Value>, types: &PossibleTypes) {
    for (key, value) in source {
        match target.get_mut(&key) {
            Some(Value::String(known)) if key == "__typename" => {
                if let Value::String(said) = value
                    && !types.meets(known, &said)
                {
                    *known = said;
                }
            }
            Some(known) => merge(known, value, types),
            None => {
                target.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_joined_and_null_replaces_nothing() {
        let types = PossibleTypes::default();
        let mut target = json!({"a": {"b": 1}, "list": [{"x": 1}, null]});
        merge(
            &mut target,
            json!({"a": {"c": 2}, "list": [{"y": 2}, {"y": 3}], "d": null}),
            &types,
        );
        assert_eq!(
            target,
            json!({"a": {"b": 1, "c": 2}, "list": [{"x": 1, "y": 2}, {"y": 3}], "d": null})
        );
        merge(&mut target, json!({"a": null}), &types);
        assert_eq!(target["a"], json!({"b": 1, "c": 2}));
    }
}
