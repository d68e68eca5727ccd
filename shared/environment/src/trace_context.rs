//! W3C trace context, version 00 and what later ones keep of it (<https://www.w3.org/TR/trace-context/>).

/// The longest `tracestate` that is passed on, in bytes: as much as W3C asks everybody to keep.
const TRACESTATE_BYTES_MAX: usize = 512;
/// As much of a later version's `traceparent` as is passed on.
const TRACEPARENT_BYTES_MAX: usize = 256;

/// A place in a trace, as it travels with messages and requests: a span, by which what it causes finds its parent.
///
/// ```
/// # use onecommit_environment::TraceContext;
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = TraceContext::read(parent, Some("vendor=1")).unwrap();
/// assert_eq!((context.traceparent(), context.tracestate()), (parent, Some("vendor=1")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: String,
    tracestate: Option<String>,
}

impl TraceContext {
    /// Reads the texts of the headers `traceparent` and `tracestate`. Nothing comes of a trace that cannot be followed, and a
    /// state that is too long or is not one is left out: neither fails what it came with.
    #[must_use]
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        is_traceparent(traceparent).then(|| Self {
            traceparent: traceparent.to_owned(),
            tracestate: tracestate.filter(|state| is_tracestate(state)).map(str::to_owned),
        })
    }

    /// Version, trace, span and flags.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// The trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.traceparent[3..35]
    }

    /// Whether whoever began the trace wants it recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.traceparent[53..55], 16).is_ok_and(|flags| flags & 1 == 1)
    }

    /// What tracing systems say about the trace, at most 512 bytes.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// Both texts.
    #[must_use]
    pub fn into_parts(self) -> (String, Option<String>) {
        (self.traceparent, self.tracestate)
    }
}

fn is_traceparent(text: &str) -> bool {
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
    let is_followed = version != "ff" && !is_zero(trace) && !is_zero(parent) && (version != "00" || !has_more);
    is_followed && text.len() <= TRACEPARENT_BYTES_MAX
}

/// Members `key=value`, separated by commas, of visible ASCII characters. What they say is for whoever wrote them.
fn is_tracestate(text: &str) -> bool {
    let is_visible = |byte: u8| matches!(byte, b' '..=b'~');
    let is_member = |member: &str| member.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty());
    text.len() <= TRACESTATE_BYTES_MAX && text.bytes().all(is_visible) && text.split(',').all(is_member)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    #[test]
    fn only_what_w3c_calls_a_traceparent_is_one() {
        for (text, is_one) in [
            (format!("00-{TRACE}-{PARENT}-01"), true),
            (format!("cc-{TRACE}-{PARENT}-01-what-the-future-brings"), true),
            (format!("00-{TRACE}-{PARENT}-01-more"), false),
            (format!("ff-{TRACE}-{PARENT}-01"), false),
            (format!("00-{}-{PARENT}-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
            (format!("00-{}-{PARENT}-01", TRACE.to_uppercase()), false),
            (format!("00-{TRACE}-{PARENT}"), false),
            (format!("00-{TRACE}-{PARENT}-1"), false),
            (format!(" 00-{TRACE}-{PARENT}-01"), false),
            (format!("00-{TRACE}-{PARENT}-01{}", "-x".repeat(200)), false),
            (String::new(), false),
        ] {
            assert_eq!(TraceContext::read(&text, None).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn the_trace_and_its_flag_are_read() {
        for (flags, is_sampled) in [("00", false), ("01", true), ("02", false), ("03", true)] {
            let context = TraceContext::read(&format!("00-{TRACE}-{PARENT}-{flags}"), None).unwrap();
            assert_eq!((context.trace_id(), context.is_sampled()), (TRACE, is_sampled));
        }
    }

    #[test]
    fn a_hostile_tracestate_is_left_out_and_the_trace_is_followed() {
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let long = format!("a={}", "x".repeat(511));
        for hostile in [
            "",
            "a",
            "=b",
            "a=\u{7f}",
            "a=\n",
            "a=é",
            "a=b,",
            "a=b\r\nSet-Cookie: x",
            &long,
        ] {
            let context = TraceContext::read(&parent, Some(hostile)).unwrap();
            assert_eq!(
                (context.traceparent(), context.tracestate()),
                (&*parent, None),
                "{hostile:?}"
            );
        }
        let longest = format!("a={}", "x".repeat(510));
        for kept in ["a=b", "rojo=00f067aa0ba902b7, congo@t=t61rcWkgMzE", &longest] {
            let context = TraceContext::read(&parent, Some(kept)).unwrap();
            assert_eq!(context.tracestate(), Some(kept));
        }
    }
}
