//! W3C trace context, version 00 and what later ones keep of it (<https://www.w3.org/TR/trace-context/#traceparent-header>).

/// Whether a text is a trace that can be followed. One that is not is dropped: an event is none the worse for it.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut next = |digits: usize| {
        let part = parts.next().unwrap_or_default();
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == digits && part.bytes().all(is_hex)).then_some(part)
    };
    let (Some(version), Some(trace), Some(parent), Some(_)) = (next(2), next(32), next(16), next(2)) else {
        return false;
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    // Later versions may have more parts, and are understood as far as this one goes.
    let has_more = parts.next().is_some();
    version != "ff" && !is_zero(trace) && !is_zero(parent) && (version != "00" || !has_more) && text.len() <= BYTES_MAX
}

/// As much of a later version as is carried on.
const BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_w3c_calls_a_traceparent_is_one() {
        let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for (text, is_one) in [
            (format!("00-{trace}-{parent}-01"), true),
            (format!("cc-{trace}-{parent}-01-what-the-future-brings"), true),
            (format!("00-{trace}-{parent}-01-more"), false),
            (format!("ff-{trace}-{parent}-01"), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{trace}-{}-01", "0".repeat(16)), false),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            (format!("00-{trace}-{parent}"), false),
            (format!("00-{trace}-{parent}-1"), false),
            (format!(" 00-{trace}-{parent}-01"), false),
            (format!("00-{trace}-{parent}-01{}", "-x".repeat(200)), false),
            (String::new(), false),
        ] {
            assert_eq!(is_traceparent(&text), is_one, "{text}");
        }
    }
}
