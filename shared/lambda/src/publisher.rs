//! `POST /events` and direct invocation: one event, an array of them, or `{"events": [...]}`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_environment::Environment;
use onecommit_event::{Event, EventId};
use onecommit_publish::{Delivered, Published, Publisher};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The most events of one request: more would not leave within an invocation.
const EVENTS_MAX: usize = 1_000;
/// How far ahead of this clock an event's timestamp may be.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(15 * 60);

/// Validates events, publishes them, and reports on each.
pub struct PublisherApi {
    publisher: Publisher,
    environment: Environment,
}

/// What became of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Events that every destination took.
    pub published: usize,
    /// Events that some destination did not take: send exactly these again, copies are absorbed.
    pub failed: usize,
    /// Events that are not valid.
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

#[derive(Deserialize)]
struct ProxyRequest<'a> {
    #[serde(borrow, rename = "httpMethod")]
    http_method: Option<&'a RawValue>,
    body: Option<String>,
    #[serde(default, rename = "isBase64Encoded")]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct EventList {
    events: Vec<Box<RawValue>>,
}

impl PublisherApi {
    /// Publishes through `publisher`; `environment` is the clock that timestamps are compared with.
    #[must_use]
    pub fn new(publisher: Publisher, environment: Environment) -> Self {
        Self { publisher, environment }
    }

    /// Answers one invocation: a REST API's proxy request with a proxy response, anything else with the answer itself.
    pub async fn invoke(&self, request: &str) -> Value {
        match serde_json::from_str::<ProxyRequest<'_>>(request) {
            Ok(proxy) if proxy.http_method.is_some() => self.answer_http(proxy).await,
            _ => match self.publish(request).await {
                Ok(answer) => json!(answer),
                Err(Unreadable(error)) => json!({"error": error}),
            },
        }
    }

    async fn answer_http(&self, request: ProxyRequest<'_>) -> Value {
        let body = match (request.body, request.is_base64_encoded) {
            (Some(body), true) => STANDARD
                .decode(body)
                .map_err(|error| error.to_string())
                .and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string())),
            (Some(body), false) => Ok(body),
            (None, _) => Err("the request has no body".to_owned()),
        };
        let answer = match body {
            Ok(body) => self.publish(&body).await,
            Err(error) => Err(Unreadable(error)),
        };
        match answer {
            Ok(answer) => http_response(answer.status(), &json!(answer)),
            Err(Unreadable(error)) => http_response(400, &json!({"error": error})),
        }
    }

    async fn publish(&self, body: &str) -> Result<Answer, Unreadable> {
        let texts = split(body)?;
        if texts.len() > EVENTS_MAX {
            return Err(Unreadable(format!(
                "{} events in one request, at most {EVENTS_MAX} are taken",
                texts.len()
            )));
        }
        let read: Vec<Result<Event, EventReport>> = texts.iter().map(|text| self.read(text.get())).collect();
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

    fn read(&self, text: &str) -> Result<Event, EventReport> {
        let event = Event::from_json(text).map_err(|error| rejected(None, error.kind().as_str(), error.to_string()))?;
        let ahead = event.timestamp().since(self.environment.clock().now());
        if ahead > CLOCK_SKEW_MAX {
            let error = format!(
                "timestamp {} is {} s ahead of this clock",
                event.timestamp(),
                ahead.as_secs()
            );
            return Err(rejected(Some(event.id()), "FutureTimestamp", error));
        }
        Ok(event)
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
    fn status(&self) -> u16 {
        let all = self.results.len();
        let nowhere = self.results.iter().all(|report| report.status == "failed");
        match () {
            () if self.published == all => 200,
            () if self.rejected == all => 400,
            () if nowhere => 502,
            () => 207,
        }
    }
}

fn split(body: &str) -> Result<Vec<Box<RawValue>>, Unreadable> {
    let unreadable = |error: serde_json::Error| Unreadable(format!("the request is no JSON: {error}"));
    let whole: Box<RawValue> = serde_json::from_str(body).map_err(unreadable)?;
    match whole.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(whole.get()).map_err(unreadable),
        Some(b'{') => match serde_json::from_str::<EventList>(whole.get()) {
            Ok(list) => Ok(list.events),
            Err(_) => Ok(vec![whole]),
        },
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

fn http_response(status: u16, body: &Value) -> Value {
    json!({
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}

/// Serves requests to publish until the environment ends.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_publisher(api: PublisherApi) -> Result<(), Error> {
    let api = Arc::new(api);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Error>(api.invoke(event.payload.get()).await) }
    }))
    .await
}
