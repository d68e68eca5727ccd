use std::collections::BTreeSet;

use hive_router_query_planner::planner::plan_nodes::{FetchNodePathSegment, FetchRewrite};
use serde_json::Value;

use crate::possible_types::PossibleTypes;

/// Changes names and types between what a subgraph knows and what the answer holds, as the plan says.
pub(super) fn apply(rewrites: &[FetchRewrite], types: &PossibleTypes, value: &mut Value) {
    for rewrite in rewrites {
        match rewrite {
            FetchRewrite::KeyRenamer(renamer) => rename(&renamer.path, &renamer.rename_key_to, types, value),
            FetchRewrite::ValueSetter(setter) => set(&setter.path, &setter.set_value_to, types, value),
        }
    }
}

fn rename(path: &[FetchNodePathSegment], name: &str, types: &PossibleTypes, value: &mut Value) {
    let Some((step, rest)) = path.split_first() else {
        return;
    };
    match (value, step) {
        (Value::Array(entries), _) => {
            for entry in entries {
                rename(path, name, types, entry);
            }
        }
        (value, FetchNodePathSegment::TypenameEquals(conditions)) if meets(value, conditions, types) => {
            rename(rest, name, types, value);
        }
        (Value::Object(members), FetchNodePathSegment::Key(key)) if rest.is_empty() => {
            if let Some(renamed) = members.remove(key) {
                members.insert(name.to_owned(), renamed);
            }
        }
        (Value::Object(members), FetchNodePathSegment::Key(key)) => {
            if let Some(next) = members.get_mut(key) {
                rename(rest, name, types, next);
            }
        }
        _ => {}
    }
}

fn set(path: &[FetchNodePathSegment], text: &str, types: &PossibleTypes, value: &mut Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = Value::String(text.to_owned());
        return;
    };
    match (value, step) {
        (Value::Array(entries), _) => {
            for entry in entries {
                set(path, text, types, entry);
            }
        }
        (value, FetchNodePathSegment::TypenameEquals(conditions)) if meets(value, conditions, types) => {
            set(rest, text, types, value);
        }
        (Value::Object(members), FetchNodePathSegment::Key(key)) => {
            if let Some(next) = members.get_mut(key) {
                set(rest, text, types, next);
            }
        }
        _ => {}
    }
}

/// Whether it is an object that is meant; one that does not say its type is taken for one.
fn meets(value: &Value, conditions: &BTreeSet<String>, types: &PossibleTypes) -> bool {
    let Value::Object(members) = value else {
        return false;
    };
    let name = members.get("__typename").and_then(Value::as_str);
    name.is_none_or(|name| conditions.iter().any(|condition| types.meets(name, condition)))
}
