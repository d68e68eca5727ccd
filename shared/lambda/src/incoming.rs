//! The route that API Gateway matched, which names the span of a request.

/// The longest route that names a span, in bytes.
const ROUTE_BYTES_MAX: usize = 128;

/// The route that API Gateway matched, as `/orders/{orderId}`.
#[derive(Clone, Debug)]
pub(crate) struct Resource(pub(crate) String);

impl Resource {
    /// Of what API Gateway calls the resource. A route that takes every path says nothing.
    pub(crate) fn of(resource: Option<String>) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./{}".contains(&byte);
        let is_route =
            |text: &String| text.len() <= ROUTE_BYTES_MAX && text.bytes().all(is_plain) && !text.contains('+');
        resource.filter(is_route).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::routing::post;
    use onecommit_environment::{Environment, SeededRandom, SystemClock};
    use onecommit_event::Metadata;
    use onecommit_telemetry::traces::{Recorder, TraceSettings};
    use serde_json::{Value, json};
    use tracing::instrument::WithSubscriber;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    use crate::api::ProxyApi;
    use crate::invocation::written;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const CALLER: &str = "b7ad6b7169203331";

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The answer to `POST /orders/o-1`, and the spans that were written when it was there.
    async fn ask(headers: Value) -> (Value, Vec<Value>) {
        let output = Written::default();
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let recorder = Recorder::new(
            &TraceSettings::of("orders", 1.0),
            &environment,
            Box::new(output.clone()),
        );
        let subscriber = Registry::default().with(recorder.layer());
        let environment = environment.with_tracer(recorder);
        let started = || async { Metadata::starting("e-1").correlation_id };
        let api = ProxyApi::new(Router::new().route("/orders/{id}", post(started)));
        let request = json!({
            "httpMethod": "POST", "path": "/orders/o-1", "resource": "/orders/{orderId}", "multiValueHeaders": headers,
            "requestContext": {
                "accountId": "000000000000", "resourceId": "r", "stage": "dev", "requestId": "1", "apiId": "a",
                "path": "/dev/orders/o-1", "httpMethod": "POST", "protocol": "HTTP/1.1", "resourcePath": "/orders/{orderId}",
                "identity": {"sourceIp": "127.0.0.1", "userAgent": "test"},
            },
            "isBase64Encoded": false,
        });
        let request = request.to_string();
        let answering = async {
            // A span that another test reaches first, while this one begins to listen, would count as wanted by nobody.
            tracing::callsite::rebuild_interest_cache();
            api.answer(&request, &environment, Duration::from_secs(10)).await
        };
        let answer = written(&environment, answering).with_subscriber(subscriber).await;
        let lines = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        let spans = lines.lines().flat_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["resourceSpans"][0]["scopeSpans"][0]["spans"]
                .as_array()
                .unwrap()
                .clone()
        });
        (serde_json::to_value(answer).unwrap(), spans.collect())
    }

    fn correlation_of(answer: &Value) -> &str {
        assert_eq!(answer["statusCode"], 200, "{answer}");
        let echoed = answer["headers"]["x-correlation-id"].as_str().unwrap();
        assert_eq!(answer["body"], echoed, "what the request starts carries it");
        echoed
    }

    #[tokio::test]
    async fn a_correlation_id_is_taken_and_echoed() {
        let (answer, spans) = ask(json!({"X-Correlation-Id": ["checkout-17"]})).await;
        assert_eq!(correlation_of(&answer), "checkout-17");
        assert!(spans[0].to_string().contains("checkout-17"));
    }

    #[tokio::test]
    async fn a_hostile_correlation_id_is_replaced() {
        let long = "x".repeat(10_240);
        for hostile in [json!([long]), json!([""]), json!(["a b"]), json!(["a", "b"])] {
            let (answer, _) = ask(json!({"X-Correlation-Id": hostile})).await;
            assert_eq!(correlation_of(&answer).len(), 36, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_request_is_a_span_of_its_callers_trace_and_is_written_before_the_answer() {
        let parent = format!("00-{TRACE}-{CALLER}-01");
        let (_, spans) = ask(json!({"traceparent": [parent], "tracestate": ["vendor=1"]})).await;
        let [span] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(
            (&span["name"], &span["kind"]),
            (&json!("POST /orders/{orderId}"), &json!(2))
        );
        assert_eq!(
            (&span["traceId"], &span["parentSpanId"]),
            (&json!(TRACE), &json!(CALLER))
        );
        assert_eq!(span["traceState"], "vendor=1");
        assert!(!span.to_string().contains("o-1"), "{span}");
    }

    #[tokio::test]
    async fn xray_names_the_trace_when_w3c_does_not() {
        let (root, epoch) = (&TRACE[8..], &TRACE[..8]);
        let xray = format!("Root=1-{epoch}-{root};Parent={CALLER};Sampled=1");
        let (_, spans) = ask(json!({"X-Amzn-Trace-Id": [xray]})).await;
        assert_eq!(
            (&spans[0]["traceId"], &spans[0]["parentSpanId"]),
            (&json!(TRACE), &json!(CALLER))
        );
        let w3c = format!("00-{}-{CALLER}-01", "1".repeat(32));
        let (_, spans) = ask(json!({"traceparent": [w3c], "X-Amzn-Trace-Id": [xray]})).await;
        assert_eq!(spans[0]["traceId"], "1".repeat(32));
    }

    #[tokio::test]
    async fn what_the_caller_does_not_record_is_not_recorded() {
        let (answer, spans) = ask(json!({"traceparent": [format!("00-{TRACE}-{CALLER}-00")]})).await;
        assert_eq!((&answer["statusCode"], spans.len()), (&json!(200), 0));
    }

    #[tokio::test]
    async fn a_hostile_trace_is_as_if_there_were_none() {
        let valid = format!("00-{TRACE}-{CALLER}-01");
        for hostile in [
            json!({"traceparent": ["x".repeat(10_240)]}),
            json!({"traceparent": [valid, valid]}),
            json!({"traceparent": [format!("00-{}-{CALLER}-01", "0".repeat(32))]}),
            json!({"X-Amzn-Trace-Id": [format!("Root=1-{};Parent=;Sampled=1", "9".repeat(9_000))]}),
            json!({"tracestate": ["a=b"], "baggage": ["x".repeat(10_240)]}),
        ] {
            let (answer, spans) = ask(hostile).await;
            assert_eq!((&answer["statusCode"], spans.len()), (&json!(200), 1), "{answer}");
            assert_ne!(spans[0]["traceId"], TRACE);
            assert!(spans[0].to_string().len() < 2_000);
        }
    }
}
