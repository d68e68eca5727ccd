use serde_json::{Map, Value};

/// Puts what a subgraph says of an object to what is known of it. A null says nothing about a value that is there.
pub(super) fn merge(target: &mut Value, source: Value) {
    match (target, source) {
        (_, Value::Null) => {}
        (Value::Object(target), Value::Object(source)) => merge_objects(target, source),
        (Value::Array(target), Value::Array(source)) => {
            for (target, source) in target.iter_mut().zip(source) {
                merge(target, source);
            }
        }
        (target, source) => *target = source,
    }
}

pub(super) fn merge_objects(target: &mut Map<String, Value>, source: Map<String, Value>) {
    for (key, value) in source {
        match target.get_mut(&key) {
            Some(known) => merge(known, value),
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
        let mut target = json!({"a": {"b": 1}, "list": [{"x": 1}, null]});
        merge(
            &mut target,
            json!({"a": {"c": 2}, "list": [{"y": 2}, {"y": 3}], "d": null}),
        );
        assert_eq!(
            target,
            json!({"a": {"b": 1, "c": 2}, "list": [{"x": 1, "y": 2}, {"y": 3}], "d": null})
        );
        merge(&mut target, json!({"a": null}));
        assert_eq!(target["a"], json!({"b": 1, "c": 2}));
    }
}
