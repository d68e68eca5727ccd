//! What a call changed of the data it was made with, carried over to the data as it is by now.

use serde_json::{Map, Value};

use crate::error::{SagaError, read_data};

/// The data `now`, with what differs between `before` and `after` as it is in `after`.
///
/// While a call was under way, the answer to a step beside it may have changed the data. Both changes are kept; where both
/// changed the same field, the call's holds.
pub(crate) fn carried_over(before: &str, after: String, now: &str) -> Result<String, SagaError> {
    if before == now {
        return Ok(after);
    }
    let read = |text: &str| read_data::<Value>(text);
    let merged = merged(read(before)?, read(&after)?, read(now)?);
    serde_json::to_string(&merged).map_err(|_| SagaError::Unwritable)
}

fn merged(before: Value, after: Value, now: Value) -> Value {
    match (before, after, now) {
        (before, after, now) if before == after => now,
        (Value::Object(before), Value::Object(after), Value::Object(now)) => fields(before, after, now).into(),
        (_, after, _) => after,
    }
}

fn fields(
    mut before: Map<String, Value>,
    after: Map<String, Value>,
    mut now: Map<String, Value>,
) -> Map<String, Value> {
    for (name, after) in after {
        let value = match (before.remove(&name), now.remove(&name)) {
            (Some(before), Some(now)) => merged(before, after, now),
            (Some(before), None) if before == after => continue,
            _ => after,
        };
        now.insert(name, value);
    }
    // What is left was there before, and the call took it away.
    for name in before.keys() {
        now.remove(name);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(before: &str, after: &str, now: &str) -> String {
        carried_over(before, after.to_owned(), now).unwrap()
    }

    #[test]
    fn what_others_changed_meanwhile_stays() {
        assert_eq!(over(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, r#"{"a":7}"#), r#"{"a":7,"b":2}"#);
        assert_eq!(
            over(
                r#"{"a":{"x":1,"y":1}}"#,
                r#"{"a":{"x":2,"y":1}}"#,
                r#"{"a":{"x":1,"y":3}}"#
            ),
            r#"{"a":{"x":2,"y":3}}"#
        );
    }

    #[test]
    fn what_the_call_took_away_is_gone() {
        assert_eq!(over(r#"{"a":1,"b":1}"#, r#"{"a":1}"#, r#"{"a":2,"b":1}"#), r#"{"a":2}"#);
        assert_eq!(over(r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn what_others_took_away_is_gone_unless_the_call_changed_it() {
        let before = r#"{"a":1,"b":1}"#;
        assert_eq!(over(before, r#"{"a":2,"b":1}"#, r#"{"a":1}"#), r#"{"a":2}"#);
        assert_eq!(over(before, r#"{"a":1,"b":2}"#, r#"{"a":1}"#), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn without_a_change_beside_it_the_call_has_the_last_word() {
        assert_eq!(over("[1]", "[2]", "[1]"), "[2]");
        assert_eq!(over("[1]", "[2]", "[3]"), "[2]");
    }
}
