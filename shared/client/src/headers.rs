use http::{HeaderName, HeaderValue, header};

use crate::trouble::InvalidRequest;

/// Header of the moment until which the caller waits, in RFC 3339.
pub const REQUEST_DEADLINE: HeaderName = HeaderName::from_static("x-request-deadline");
/// Header of the number of the attempt, 1 for the first: a service that sees it does not retry by itself.
pub const RETRY_ATTEMPT: HeaderName = HeaderName::from_static("x-retry-attempt");
/// Header by which a service recognises a request that is repeated.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest value of one header, in bytes.
const VALUE_BYTES_MAX: usize = 8 << 10;
/// What the client or the transport writes, and no caller.
const RESERVED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    REQUEST_DEADLINE,
];

/// A header of the caller's, checked: no line break, no other control character, no name that is the client's own.
pub(crate) fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidRequest> {
    let wrong = |problem| InvalidRequest::Header {
        name: name.chars().filter(char::is_ascii_graphic).take(50).collect(),
        problem,
    };
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is not a header's name"))?;
    if RESERVED.contains(&known) {
        return Err(wrong("is written by the client"));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(wrong("is too long: the limit is 8192 bytes"));
    }
    let value =
        HeaderValue::from_str(value).map_err(|_| wrong("contains a character that no header's value may contain"))?;
    Ok((known, value))
}
