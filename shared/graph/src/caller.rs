use http::request::Parts;
use http::{HeaderMap, HeaderName};
use onecommit_client::{CORRELATION_ID, CallContext, Deadline, REQUEST_DEADLINE, TRACEPARENT};
use onecommit_environment::correlation::{correlation_id, is_correlation_id};
use onecommit_environment::{Environment, Timestamp};

/// On whose account a query is answered.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// What is passed on to the subgraphs: correlation id, trace.
    pub context: CallContext,
    /// Headers that the subgraphs get, such as the user's token.
    pub headers: HeaderMap,
    /// Until when the caller waits; none if it does not say.
    pub deadline: Option<Deadline>,
}

/// A W3C trace context of version 00 has 55 bytes; later ones may have more.
const TRACEPARENT_BYTES_MAX: usize = 128;

impl Caller {
    /// Who sends a request with this head: its correlation id (`X-Correlation-Id`; that of the request under way, or a new one, where
    /// it has none), its trace (`traceparent`), and until when it waits (`X-Request-Deadline`, RFC 3339). What is not valid is
    /// as if it were not there. No other header is passed on: add to [`Caller::headers`] what subgraphs are to get.
    #[must_use]
    pub fn of_request(parts: &Parts, environment: &Environment) -> Self {
        let named = text(parts, &CORRELATION_ID).filter(|id| is_correlation_id(id));
        let correlation = named.map(str::to_owned).or_else(correlation_id);
        let correlation = correlation.unwrap_or_else(|| environment.ids().next().to_string());
        let context = CallContext::correlated(correlation);
        let is_plain =
            |text: &&str| text.len() <= TRACEPARENT_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        let context = match text(parts, &TRACEPARENT).filter(is_plain) {
            Some(trace) => context.traced(trace),
            None => context,
        };
        let clock = environment.clock();
        let until = text(parts, &REQUEST_DEADLINE).and_then(|text| Timestamp::parse(text).ok());
        Self {
            context,
            headers: HeaderMap::new(),
            deadline: until.map(|until| Deadline::after(until.since(clock.now()), clock)),
        }
    }
}

fn text<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(headers: &[(&str, &str)]) -> Caller {
        let mut request = Request::get("/graphql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Caller::of_request(&request.body(()).unwrap().into_parts().0, &Environment::system())
    }

    #[test]
    fn the_callers_headers_are_taken_over() {
        let caller = of(&[
            ("x-correlation-id", "c-1"),
            ("traceparent", TRACE),
            ("x-request-deadline", "2099-01-01T00:00:00Z"),
            ("authorization", "Bearer t"),
        ]);
        let shown = format!("{:?}", caller.context);
        assert!(shown.contains("c-1") && shown.contains(TRACE), "{shown}");
        assert!(caller.deadline.is_some() && caller.headers.is_empty());
    }

    #[test]
    fn invalid_headers_are_ignored() {
        let long = "x".repeat(300);
        let caller = of(&[
            ("x-correlation-id", &long),
            ("traceparent", &long),
            ("x-request-deadline", "soon"),
        ]);
        let shown = format!("{:?}", caller.context);
        assert!(
            !shown.contains("xxx") && shown.contains("correlation_id: Some"),
            "{shown}"
        );
        assert!(caller.deadline.is_none());
    }
}
