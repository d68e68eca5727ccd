use serde_json::Value;

use super::{Request, Unrecognised};

/// The operation of `x-amz-target: PREFIX.OPERATION`, and the body.
pub(super) fn operation<'a>(request: &Request<'a>, prefix: &str) -> Result<(&'a str, Value), Unrecognised> {
    let operation = request
        .target
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('.'));
    let operation =
        operation.ok_or_else(|| Unrecognised(format!("no x-amz-target of {prefix}: `{}`", request.target)))?;
    let body = serde_json::from_slice(request.body)
        .map_err(|error| Unrecognised(format!("the body of {operation} is not JSON: {error}")))?;
    Ok((operation, body))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Unrecognised> {
    value[name]
        .as_str()
        .ok_or_else(|| Unrecognised(format!("a request has no text `{name}`")))
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], Unrecognised> {
    let list = value[name].as_array().map(Vec::as_slice);
    list.ok_or_else(|| Unrecognised(format!("a request has no list `{name}`")))
}
