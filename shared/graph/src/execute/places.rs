use hive_router_query_planner::planner::plan_nodes::FlattenNodePathSegment;
use serde_json::Value;

use crate::error::Segment;
use crate::possible_types::PossibleTypes;

/// Visits each object that a plan's path leads to, with its place.
pub(super) fn visit(
    data: &Value,
    path: &[FlattenNodePathSegment],
    types: &PossibleTypes,
    place: &mut Vec<Segment>,
    visitor: &mut impl FnMut(&Value, &[Segment]),
) {
    if let Value::Array(entries) = data {
        // A path says `@` for a list, and nothing at its end.
        let path = match path.split_first() {
            Some((FlattenNodePathSegment::List, rest)) => rest,
            Some((FlattenNodePathSegment::Field(_), _)) => return,
            _ => path,
        };
        for (index, entry) in entries.iter().enumerate() {
            place.push(Segment::Index(index));
            visit(entry, path, types, place, visitor);
            place.pop();
        }
        return;
    }
    match (path.split_first(), data) {
        (None, Value::Object(_)) => visitor(data, place),
        (Some((FlattenNodePathSegment::Field(field), rest)), Value::Object(members)) => {
            if let Some(next) = members.get(field) {
                place.push(Segment::Key(field.clone()));
                visit(next, rest, types, place, visitor);
                place.pop();
            }
        }
        (Some((FlattenNodePathSegment::TypeCondition(conditions), rest)), Value::Object(members)) => {
            let name = members.get("__typename").and_then(Value::as_str);
            if name.is_none_or(|name| conditions.iter().any(|condition| types.meets(name, condition))) {
                visit(data, rest, types, place, visitor);
            }
        }
        _ => {}
    }
}

/// What is at a place.
pub(super) fn at<'a>(data: &'a mut Value, place: &[Segment]) -> Option<&'a mut Value> {
    place.iter().try_fold(data, |data, step| match (step, data) {
        (Segment::Key(key), Value::Object(members)) => members.get_mut(key),
        (Segment::Index(index), Value::Array(entries)) => entries.get_mut(*index),
        _ => None,
    })
}
