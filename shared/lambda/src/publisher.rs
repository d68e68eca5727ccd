//! `POST /events` and direct invocation: one event, an array of them, or `{"events": [...]}`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_environment::{Environment, TraceContext};
use onecommit_event::{Event, EventId, Metadata};
use onecommit_http::health::Health;
use onecommit_http::incoming::{Incoming, caller_by_w3c};
use onecommit_http::{ApiError, Json, PROBLEM_JSON};
use onecommit_json::{JsonError, Object};
use onecommit_publish::{Delivered, Published, Publisher};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tracing::warn;

use crate::admission::{Admission, Caller};
use crate::api::{ProxyApi, proxy_response};
use crate::invocation::{Invoked, Trigger, in_span, written};

/// The most events of one request: more would not leave within an invocation.
const EVENTS_MAX: usize = 1_000;
/// How far ahead of this clock an event's timestamp may be.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(15 * 60);

/// Validates events, publishes them, and reports on each.
pub struct PublisherApi {
    admission: Admission,
    publisher: Publisher,
    environment: Environment,
    /// Without checks: nothing tells whether topics and buses take events but an event.
    health: ProxyApi,
}

/// What became of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Events that every destination took.
    pub published: usize,
    /// Events that some destination did not take: send exactly these again, copies are absorbed.
    pub failed: usize,
    /// Events that are not valid, or not for producers from outside to publish.
    pub rejected: usize,
    /// One entry for each event, in their order.
    pub results: Vec<EventReport>,
}

/// What became of one event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventReport {
    /// `published`, `partial` (some destinations took it), `failed` or `rejected`.
    pub status: &'static str,
    /// Absent when the event was too broken to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What kind of error it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What became of it at each destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Delivered>,
}

/// A request that is no list of events at all.
#[derive(Debug)]
struct Unreadable(String);

/// What of a REST API's proxy request says what to publish, and who asks for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyRequest {
    #[serde(default)]
    path: Option<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default)]
    headers: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Option<Vec<String>>>>,
    #[serde(default)]
    request_context: Option<RequestContext>,
}

/// What API Gateway found out about the caller.
#[derive(Deserialize)]
struct RequestContext {
    #[serde(default)]
    identity: Option<Identity>,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    /// Of who signed the request.
    #[serde(default)]
    user_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorizer {
    /// What an authorizer function answered.
    #[serde(default)]
    principal_id: Option<String>,
    /// Of a token that a user pool signed.
    #[serde(default)]
    claims: Option<Claims>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: Option<String>,
}

impl ProxyRequest {
    /// Who asks: who signed the request, or else who the authorizer says it is.
    fn caller(&self) -> Option<&str> {
        let context = self.request_context.as_ref()?;
        let signer = context
            .identity
            .as_ref()
            .and_then(|identity| identity.user_arn.as_deref());
        let authorizer = context.authorizer.as_ref();
        let principal = authorizer.and_then(|authorizer| authorizer.principal_id.as_deref());
        let subject = authorizer.and_then(|authorizer| authorizer.claims.as_ref()?.sub.as_deref());
        signer.or(principal).or(subject)
    }

    /// The headers, without what is none.
    fn headers(&self) -> HeaderMap {
        let several = self.multi_value_headers.iter().flatten();
        let several = several.flat_map(|(name, values)| values.iter().flatten().map(move |value| (name, value)));
        let single = self.headers.iter().flatten();
        let single = single.filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let has_several = self
            .multi_value_headers
            .as_ref()
            .is_some_and(|headers| !headers.is_empty());
        let named: Vec<_> = if has_several {
            several.collect()
        } else {
            single.collect()
        };
        named
            .into_iter()
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
            .collect()
    }
}

impl PublisherApi {
    /// Publishes through `publisher` what `admission` takes; `environment` is the clock that timestamps are compared with.
    #[must_use]
    pub fn new(admission: Admission, publisher: Publisher, environment: Environment) -> Self {
        Self {
            admission,
            publisher,
            health: ProxyApi::new(Health::new(environment.clone()).router()),
            environment,
        }
    }

    /// Answers one invocation: a REST API's proxy request with a proxy response, anything else with the answer itself.
    pub async fn invoke(&self, request: &str) -> Value {
        self.answer(request, &Invoked::default()).await
    }

    async fn answer(&self, request: &str, invoked: &Invoked) -> Value {
        if is_proxy_request(request) {
            return written(&self.environment, self.answer_proxy(request)).await;
        }
        let publishing = self.publish(request, Caller::Direct, None);
        match in_span(&self.environment, invoked, Trigger::Caller, publishing).await {
            Ok(answer) => json!(answer),
            Err(Unreadable(error)) => json!({"error": error}),
        }
    }

    async fn answer_proxy(&self, request: &str) -> Value {
        let response = match onecommit_json::from_str::<ProxyRequest>(request) {
            Ok(proxy) if is_for_health(&proxy) => return self.answer_health(request).await,
            Ok(proxy) => {
                let headers = proxy.headers();
                let incoming = Incoming::of(&headers, &Method::POST, "/events", &self.environment);
                incoming.serve(self.answer_http(proxy, caller_by_w3c(&headers))).await
            }
            Err(error) => unreadable_response(format!("not an API Gateway proxy request: {error}")),
        };
        json!(proxy_response(response).await)
    }

    async fn answer_health(&self, request: &str) -> Value {
        json!(self.health.answer(request, &self.environment, Duration::MAX).await)
    }

    async fn answer_http(&self, request: ProxyRequest, trace: Option<TraceContext>) -> Response {
        let body = match (request.body.as_deref(), request.is_base64_encoded) {
            (Some(body), true) => STANDARD
                .decode(body)
                .map_err(|_| "the body is not Base64".to_owned())
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "the body is not UTF-8".to_owned())),
            (Some(body), false) => Ok(body.to_owned()),
            (None, _) => Err("the request has no body".to_owned()),
        };
        let answer = match body {
            Ok(body) => {
                self.publish(&body, Caller::OverTheApi(request.caller()), trace.as_ref())
                    .await
            }
            Err(error) => Err(Unreadable(error)),
        };
        match answer {
            Ok(answer) => (answer.status(), Json(answer)).into_response(),
            Err(Unreadable(error)) => unreadable_response(error),
        }
    }

    /// Publishes the events of a request. `trace` is the caller's, where it names one.
    async fn publish(
        &self,
        body: &str,
        caller: Caller<'_>,
        trace: Option<&TraceContext>,
    ) -> Result<Answer, Unreadable> {
        let texts = split(body)?;
        if texts.len() > EVENTS_MAX {
            return Err(Unreadable(format!(
                "{} events in one request; the limit is {EVENTS_MAX}",
                texts.len()
            )));
        }
        let read: Vec<Result<Event, EventReport>> = texts.iter().map(|text| self.read(text, caller, trace)).collect();
        let valid: Vec<Event> = read.iter().filter_map(|read| read.as_ref().ok().cloned()).collect();
        let mut published = self.publisher.publish(valid).await.into_iter();
        let results = read
            .into_iter()
            .filter_map(|read| match read {
                Ok(_) => published.next().map(report),
                Err(rejected) => Some(rejected),
            })
            .collect();
        Ok(Answer::of(results))
    }

    fn read(&self, text: &str, caller: Caller<'_>, trace: Option<&TraceContext>) -> Result<Event, EventReport> {
        let event =
            Event::from_request(text).map_err(|error| rejected(None, error.kind().as_str(), error.to_string()))?;
        let ahead = event.timestamp().since(self.environment.clock().now());
        if ahead > CLOCK_SKEW_MAX {
            let error = format!(
                "timestamp {} is {} s ahead of this clock",
                event.timestamp(),
                ahead.as_secs()
            );
            return Err(rejected(Some(event.id()), "FutureTimestamp", error));
        }
        let id = event.id();
        self.admission
            .admit(self.traced(event, trace), caller)
            .map_err(|refusal| {
                let reason = refusal.reason();
                warn!(event.id = %id, reason, field = refusal.field(), "event from outside was rejected");
                rejected(Some(id), reason, refusal.to_string())
            })
    }
}

impl PublisherApi {
    /// An event whose producer does not say in which trace it was caused is part of this one, or, where traces are off, of
    /// the caller's.
    fn traced(&self, event: Event, caller: Option<&TraceContext>) -> Event {
        if event.metadata().traceparent.is_some() {
            return event;
        }
        let Some(current) = self.environment.trace_context().or_else(|| caller.cloned()) else {
            return event;
        };
        let (traceparent, tracestate) = current.into_parts();
        let metadata = Metadata {
            traceparent: Some(traceparent),
            tracestate,
            ..event.metadata().clone()
        };
        event.with_metadata(metadata)
    }
}

impl Answer {
    fn of(results: Vec<EventReport>) -> Self {
        let count = |wanted: &[&str]| results.iter().filter(|report| wanted.contains(&report.status)).count();
        let (published, failed, rejected) = (
            count(&["published"]),
            count(&["failed", "partial"]),
            count(&["rejected"]),
        );
        Self {
            published,
            failed,
            rejected,
            results,
        }
    }

    /// 200 when all were published, 400 when all were rejected, 502 when none left, 207 when it differs by event.
    fn status(&self) -> StatusCode {
        let all = self.results.len();
        let nowhere = self.results.iter().all(|report| report.status == "failed");
        match () {
            () if self.published == all => StatusCode::OK,
            () if self.rejected == all => StatusCode::BAD_REQUEST,
            () if nowhere => StatusCode::BAD_GATEWAY,
            () => StatusCode::MULTI_STATUS,
        }
    }
}

/// An event may have any field that is not understood, so only what lacks an event's own is something else.
fn is_event(object: &Object<'_>) -> bool {
    ["eventId", "eventType", "payload"]
        .iter()
        .any(|name| object.get(name).is_some())
}

fn is_for_health(request: &ProxyRequest) -> bool {
    let path = request.path.as_deref().unwrap_or_default();
    path == "/health" || path.starts_with("/health/")
}

fn is_proxy_request(request: &str) -> bool {
    Object::of_text(request).is_ok_and(|object| object.get("httpMethod").is_some() && !is_event(&object))
}

/// The texts of the events in a request.
fn split(body: &str) -> Result<Vec<&str>, Unreadable> {
    let unreadable = |error: JsonError| Unreadable(format!("the request cannot be read: {error}"));
    let list = |raw| -> Result<Vec<&str>, JsonError> {
        let events: Vec<&RawValue> = onecommit_json::from_raw(raw)?;
        Ok(events.into_iter().map(RawValue::get).collect())
    };
    let whole = onecommit_json::raw(body).map_err(unreadable)?;
    match whole.get().as_bytes().first() {
        Some(b'[') => list(whole).map_err(unreadable),
        Some(b'{') => {
            let object = Object::from_raw(whole).map_err(unreadable)?;
            if is_event(&object) || object.get("events").is_none() {
                return Ok(vec![whole.get()]);
            }
            let object = Object::from_request(body).map_err(unreadable)?;
            let events = object.get("events").map(list).transpose();
            let events = events.map_err(|error| unreadable(error.inside("events")))?;
            Ok(events.unwrap_or_default())
        }
        _ => Err(Unreadable(
            "the request is neither an event nor an array of events".to_owned(),
        )),
    }
}

fn report(published: Published) -> EventReport {
    let status = match (published.everywhere(), published.anywhere()) {
        (true, _) => "published",
        (false, true) => "partial",
        (false, false) => "failed",
    };
    let destinations = published.destinations;
    EventReport {
        status,
        event_id: Some(published.event_id),
        error: None,
        reason: None,
        destinations,
    }
}

fn rejected(event_id: Option<EventId>, reason: &'static str, error: String) -> EventReport {
    EventReport {
        status: "rejected",
        event_id,
        error: Some(error),
        reason: Some(reason),
        destinations: Vec::new(),
    }
}

/// A request that is no list of events, as a problem like every API's.
fn unreadable_response(message: String) -> Response {
    let error = ApiError::invalid("badRequest", message);
    let problem = error.to_problem(Some("/events"));
    (error.status(), [(CONTENT_TYPE, PROBLEM_JSON)], problem.to_string()).into_response()
}

/// Serves requests to publish until the environment ends.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_publisher(api: PublisherApi) -> Result<(), Error> {
    let api = Arc::new(api);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let api = Arc::clone(&api);
        async move {
            let invoked = Invoked::by(&event.context);
            Ok::<_, Error>(api.answer(event.payload.get(), &invoked).await)
        }
    }))
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use onecommit_environment::SeededRandom;
    use onecommit_environment::SystemClock;
    use onecommit_publish::{Destination, DestinationError, EntryError, Limits, Outgoing};

    use super::*;

    /// Takes everything and keeps it.
    #[derive(Default)]
    struct Shelf(Mutex<Vec<String>>);

    #[async_trait]
    impl Destination for Shelf {
        fn name(&self) -> &'static str {
            "shelf"
        }
        fn limits(&self) -> Limits {
            Limits {
                entries_max: 10,
                entry_bytes_max: 100_000,
                batch_bytes_max: 1_000_000,
            }
        }
        fn bytes(&self, event: &Outgoing) -> usize {
            event.json.len()
        }
        async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
            let mut shelf = self.0.lock().unwrap();
            shelf.extend(batch.iter().map(|outgoing| outgoing.json.clone()));
            Ok(batch.iter().map(|_| Ok("taken".to_owned())).collect())
        }
    }

    async fn ask(request: &str) -> (Value, Vec<String>) {
        ask_of(Admission::of_types("A").unwrap(), request).await
    }

    async fn ask_of(admission: Admission, request: &str) -> (Value, Vec<String>) {
        let shelf = Arc::new(Shelf::default());
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let publisher = Publisher::new(vec![shelf.clone()], environment.clone());
        let answer = PublisherApi::new(admission, publisher, environment)
            .invoke(request)
            .await;
        let published = shelf.0.lock().unwrap().clone();
        (answer, published)
    }

    /// An event that ends with these members.
    fn event(more: &str) -> String {
        format!(
            r#"{{"eventId":"0192f0c1-0000-7000-8000-000000000001","eventType":"A","aggregateId":"a","aggregateType":"A",
            "timestamp":"2026-11-22T07:00:00Z","payload":{{}},"metadata":{{"correlationId":"c","causationId":"c"}}{more}}}"#
        )
    }

    #[tokio::test]
    async fn one_event_and_lists_of_events_are_published() {
        for (request, count) in [
            (event(""), 1),
            (format!("[{}]", event("")), 1),
            (format!(r#"{{"events":[{},{}]}}"#, event(""), event("")), 2),
            (r#"{"events":[]}"#.to_owned(), 0),
        ] {
            let (answer, published) = ask(&request).await;
            assert_eq!(
                (&answer["published"], published.len()),
                (&json!(count), count),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn an_event_with_any_unknown_field_is_published_like_any_other() {
        for field in [
            r#","events":[]"#,
            r#","events":[1]"#,
            r#","claimCheck":{"bucket":"b","key":"k"}"#,
            r#","httpMethod":"POST""#,
            r#","body":"x""#,
            r#","Records":[],"task":"t""#,
        ] {
            let (answer, published) = ask(&event(field)).await;
            assert_eq!(answer["published"], 1, "{field}: {answer}");
            assert!(published[0].contains(&field[1..]), "{}", published[0]);
        }
    }

    #[tokio::test]
    async fn an_event_that_would_not_travel_is_rejected_by_path() {
        let payload = |payload: &str| event("").replace(r#""payload":{}"#, &format!(r#""payload":{payload}"#));
        for (request, path) in [
            (payload(r#"{"a":[1,"\ud800"]}"#), "payload.a[1]: "),
            (payload(r#"{"a":1e400}"#), "payload.a: "),
            (
                payload(&format!("{}1{}", "{\"a\":".repeat(101), "}".repeat(101))),
                "payload.a.a",
            ),
            (payload(r#"{"a":{"b":1,"b":1}}"#), "payload.a.b: it is written twice"),
            (event(r#","eventType":"A""#), "eventType: it is written twice"),
        ] {
            let (answer, published) = ask(&request).await;
            assert_eq!((&answer["rejected"], published.len()), (&json!(1), 0), "{answer}");
            let report = &answer["results"][0];
            assert_eq!(report["reason"], "InvalidEvent", "{report}");
            assert!(report["error"].as_str().unwrap().contains(path), "{report}");
        }
    }

    #[tokio::test]
    async fn a_request_that_is_not_a_list_of_events_is_refused_by_name() {
        for (request, name) in [
            (r#"{"events":7}"#, "events"),
            (r#"{"events":{}}"#, "events"),
            (r#"{"events":[],"events":[]}"#, "events"),
            ("7", "neither"),
            ("{", "cannot be read"),
        ] {
            let (answer, _) = ask(request).await;
            assert!(answer["error"].as_str().unwrap().contains(name), "{request}: {answer}");
            let proxy = json!({"httpMethod": "POST", "body": request, "isBase64Encoded": null}).to_string();
            let (answer, _) = ask(&proxy).await;
            let content_type = &answer["headers"]["content-type"];
            assert_eq!(
                (&answer["statusCode"], content_type),
                (&json!(400), &json!(PROBLEM_JSON))
            );
            let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            assert_eq!(
                (&problem["error"], &problem["instance"]),
                (&json!("badRequest"), &json!("/events"))
            );
            assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
        }
        let (answer, _) = ask(r#"{"httpMethod":"POST","body":7}"#).await;
        assert_eq!(answer["statusCode"], 400);
    }

    #[tokio::test]
    async fn the_health_is_answered_and_publishes_nothing() {
        for (method, path, status) in [
            ("GET", "/health", 200),
            ("HEAD", "/health", 200),
            ("GET", "/health/live", 200),
            ("GET", "/health/ready", 200),
            ("GET", "/health/nothing", 404),
            ("POST", "/health", 405),
        ] {
            let request = json!({
                "resource": path, "path": path, "httpMethod": method, "headers": {}, "multiValueHeaders": {},
                "queryStringParameters": null, "multiValueQueryStringParameters": null,
                "pathParameters": null, "stageVariables": null,
                "requestContext": {
                    "accountId": "000000000000", "resourceId": "r", "stage": "dev", "requestId": "1", "apiId": "a",
                    "path": path, "httpMethod": method, "protocol": "HTTP/1.1", "resourcePath": path,
                    "identity": {"sourceIp": "127.0.0.1", "userAgent": "test"},
                },
                "body": null, "isBase64Encoded": false,
            });
            let (answer, published) = ask(&request.to_string()).await;
            assert_eq!(
                (&answer["statusCode"], published.len()),
                (&json!(status), 0),
                "{method} {path}"
            );
        }
    }

    /// A request over the API, with what API Gateway knows of the caller.
    fn over_the_api(body: &str, context: &Value) -> String {
        json!({"httpMethod": "POST", "body": body, "isBase64Encoded": false, "requestContext": context}).to_string()
    }

    #[tokio::test]
    async fn what_is_not_for_outsiders_is_refused_and_published_nowhere() {
        let with = |old: &str, new: &str| event("").replace(old, new);
        for (body, reason, field) in [
            (
                with(r#""eventType":"A""#, r#""eventType":"ProviderAnswered""#),
                "EventTypeNotAllowed",
                "eventType",
            ),
            (
                with(r#""eventType":"A""#, r#""eventType":"SagaCancelRequested""#),
                "ReservedEventType",
                "eventType",
            ),
            (
                with(r#""causationId""#, r#""sequence":3,"causationId""#),
                "ForbiddenField",
                "metadata.sequence",
            ),
            (
                with(r#""causationId""#, r#""userId":"ceo@shop","causationId""#),
                "ForbiddenField",
                "metadata.userId",
            ),
        ] {
            let (answer, published) = ask(&over_the_api(&body, &Value::Null)).await;
            assert_eq!((&answer["statusCode"], published.len()), (&json!(400), 0), "{answer}");
            let answer: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let report = &answer["results"][0];
            assert_eq!(report["reason"], reason, "{report}");
            let error = report["error"].as_str().unwrap();
            assert!(error.starts_with(field) && !error.contains("ceo@shop"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_event_is_of_the_user_that_api_gateway_found_out() {
        let arn = "arn:aws:iam::111122223333:user/ada";
        for (context, user_id) in [
            (
                json!({"identity": {"userArn": arn, "sourceIp": "10.0.0.1"}}),
                json!(arn),
            ),
            (
                json!({"identity": {"userArn": null}, "authorizer": {"principalId": "ada"}}),
                json!("ada"),
            ),
            (
                json!({"authorizer": {"claims": {"sub": "7f3a", "email": "ada@example.com"}}}),
                json!("7f3a"),
            ),
            (json!({"identity": {"sourceIp": "10.0.0.1"}}), Value::Null),
            (Value::Null, Value::Null),
        ] {
            let (_, published) = ask(&over_the_api(&event(""), &context)).await;
            let published: Value = serde_json::from_str(&published[0]).unwrap();
            assert_eq!(published["metadata"]["userId"], user_id, "{context}");
        }
    }

    /// A request over the API with these headers.
    fn with_headers(body: &str, headers: &Value) -> String {
        json!({"httpMethod": "POST", "path": "/events", "body": body, "multiValueHeaders": headers}).to_string()
    }

    #[tokio::test]
    async fn an_event_is_in_the_trace_of_its_caller_unless_it_names_one() {
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let named = event("").replace(r#""causationId""#, &format!(r#""traceparent":"{own}","causationId""#));
        for (body, headers, traceparent) in [
            (event(""), json!({"traceparent": [caller]}), json!(caller)),
            (event(""), json!({"Traceparent": [caller], "X-\n": null}), json!(caller)),
            (named.clone(), json!({"traceparent": [caller]}), json!(own)),
            (event(""), json!({"traceparent": [caller, caller]}), Value::Null),
            (event(""), json!({"traceparent": ["00-0-0-01"]}), Value::Null),
            (event(""), json!({"traceparent": ["\u{1}"]}), Value::Null),
            (event(""), Value::Null, Value::Null),
        ] {
            let (answer, published) = ask(&with_headers(&body, &headers)).await;
            assert_eq!(answer["statusCode"], 200, "{answer}");
            let published: Value = serde_json::from_str(&published[0]).unwrap();
            assert_eq!(published["metadata"]["traceparent"], traceparent, "{headers}");
        }
    }

    #[tokio::test]
    async fn a_correlation_id_of_the_request_is_echoed() {
        let (answer, _) = ask(&with_headers(&event(""), &json!({"x-correlation-id": ["checkout-17"]}))).await;
        assert_eq!(answer["headers"]["x-correlation-id"], "checkout-17");
        assert_eq!(answer["headers"]["content-type"], "application/json");
        let hostile = json!({"x-correlation-id": ["a\"; drop"]});
        let (answer, _) = ask(&with_headers("7", &hostile)).await;
        assert_eq!(
            answer["headers"]["x-correlation-id"].as_str().unwrap().len(),
            36,
            "{answer}"
        );
    }

    #[tokio::test]
    async fn a_direct_invocation_is_of_the_user_that_was_configured() {
        let admission = Admission::of_types("A").unwrap();
        let admission = admission.with_direct_user_id(Some("importer".to_owned()));
        let (_, published) = ask_of(admission, &event("")).await;
        assert!(published[0].contains(r#""userId":"importer""#), "{}", published[0]);
    }

    #[tokio::test]
    async fn an_object_without_anything_of_an_event_is_rejected_as_an_event() {
        let (answer, _) = ask("{}").await;
        assert_eq!(answer["rejected"], 1, "{answer}");
    }
}
