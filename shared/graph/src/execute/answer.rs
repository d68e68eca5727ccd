use serde_json::{Map, Value};

use crate::error::Segment;

/// The longest message of a subgraph that is passed on, in characters, and the longest code, in bytes.
const MESSAGE_MAX: usize = 300;
const CODE_MAX: usize = 64;
/// The most errors of one answer that are looked at.
const ERRORS_MAX: usize = 1_000;

/// A subgraph's answer.
pub(super) struct Answer {
    pub(super) data: Map<String, Value>,
    pub(super) errors: Vec<Reported>,
}

/// An error that a subgraph reports.
pub(super) struct Reported {
    /// Words that were written for callers: those that come with a code.
    pub(super) words: Option<(String, String)>,
    /// Where in the subgraph's answer.
    pub(super) path: Option<Vec<Segment>>,
}

/// Reads an answer; nothing when it is not a GraphQL response.
pub(super) fn read(body: Value) -> Option<Answer> {
    let Value::Object(mut body) = body else {
        return None;
    };
    let errors = match body.remove("errors") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(errors)) => errors.into_iter().take(ERRORS_MAX).map(reported).collect(),
        Some(_) => return None,
    };
    match body.remove("data") {
        Some(Value::Object(data)) => Some(Answer { data, errors }),
        None | Some(Value::Null) if !errors.is_empty() => Some(Answer {
            data: Map::new(),
            errors,
        }),
        _ => None,
    }
}

fn reported(error: Value) -> Reported {
    let code = error.pointer("/extensions/code").and_then(Value::as_str);
    let is_code = |code: &&str| {
        let is_plain = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_plain && (1..=CODE_MAX).contains(&code.len())
    };
    let message = error.get("message").and_then(Value::as_str);
    let path = error.get("path").and_then(Value::as_array);
    let path = path.and_then(|path| path.iter().map(segment).collect::<Option<Vec<_>>>());
    Reported {
        words: code.filter(is_code).zip(message).map(|(code, message)| {
            let message = message.chars().take(MESSAGE_MAX).collect();
            (code.to_owned(), message)
        }),
        path: path.filter(|path| !path.is_empty()),
    }
}

fn segment(step: &Value) -> Option<Segment> {
    match step {
        Value::String(key) => Some(Segment::Key(key.clone())),
        Value::Number(number) => Some(Segment::Index(usize::try_from(number.as_u64()?).ok()?)),
        _ => None,
    }
}
