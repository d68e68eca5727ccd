//! The spans of messages that share a batch, a transaction or a request.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use onecommit_engine::{Commit, Consumer, Failure, Key, Table};
use onecommit_environment::{Environment, SeededRandom, SystemClock, TRACES, TraceContext, Tracer};
use onecommit_event::{Event, Metadata, Payload};
use onecommit_publish::{Destination, DestinationError, EntryError, Limits, Outgoing, Publisher};
use onecommit_telemetry::traces::{MessageParent, Recorder, TraceSettings};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

const TRACES_OF_CAUSES: [&str; 2] = ["0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"];
const CAUSE: &str = "b7ad6b7169203331";

#[derive(Serialize, Deserialize)]
struct ParcelShipped {}

impl Payload for ParcelShipped {
    const EVENT_TYPE: &'static str = "ParcelShipped";
}

async fn parcel_shipped(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
    let row = Key::of_view(event.aggregate().to_string(), "status");
    Ok(Commit::of(Table::new("parcels").update(row).add("shipments", 1)))
}

/// A parcel's event, caused in a trace.
fn shipped(parcel: &str, trace: &str) -> Event {
    let event = an_event("Parcel", parcel, ParcelShipped {});
    let metadata = Metadata {
        traceparent: Some(format!("00-{trace}-{CAUSE}-01")),
        ..event.metadata().clone()
    };
    event.with_metadata(metadata)
}

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

/// The spans of work that is done in an invocation's.
async fn spans_of<F: Future<Output = ()>>(work: impl FnOnce(Environment) -> F) -> Vec<Value> {
    spans_with(TraceSettings::of("parcels", 1.0), work).await
}

async fn spans_with<F: Future<Output = ()>>(
    settings: TraceSettings,
    work: impl FnOnce(Environment) -> F,
) -> Vec<Value> {
    let written = Written::default();
    let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
    let recorder = Recorder::new(&settings, &environment, Box::new(written.clone()));
    let subscriber = Registry::default().with(recorder.layer());
    let working = work(environment.with_tracer(recorder.clone()));
    let listening = async {
        // A span that another test reaches first, while this one begins to listen, would count as wanted by nobody.
        tracing::callsite::rebuild_interest_cache();
        working.instrument(info_span!(target: TRACES, "invoke")).await;
    };
    listening.with_subscriber(subscriber).await;
    recorder.write();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let spans = text.lines().flat_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let scope = &line["resourceSpans"][0]["scopeSpans"][0];
        scope["spans"].as_array().unwrap().clone()
    });
    spans.collect()
}

fn named<'a>(spans: &'a [Value], name: &str) -> Vec<&'a Value> {
    spans.iter().filter(|span| span["name"] == name).collect()
}

fn links_of(span: &Value) -> Vec<&Value> {
    let links = span["links"].as_array().unwrap().iter();
    links.map(|link| &link["spanId"]).collect()
}

#[tokio::test]
async fn a_shared_commit_is_linked_to_every_message_and_a_message_to_its_batch() {
    let [first, second] = TRACES_OF_CAUSES;
    let events = [shipped("p-1", first), shipped("p-2", second)];
    let spans = spans_of(async |environment| {
        let consumer = Consumer::named("parcels").atomic(parcel_shipped);
        let kit = TestConsumer::on(Arc::new(MemoryDatabase::default()), consumer, environment);
        kit.receive(&[&events[0], &events[1]]).await;
    })
    .await;
    let invocation = named(&spans, "invoke")[0];
    let messages = named(&spans, "process ParcelShipped");
    assert_eq!(messages.len(), 2, "{spans:#?}");
    for message in &messages {
        assert!(TRACES_OF_CAUSES.contains(&message["traceId"].as_str().unwrap()));
        assert_eq!((&message["parentSpanId"], &message["kind"]), (&json!(CAUSE), &json!(5)));
        assert_eq!(links_of(message), [&invocation["spanId"]]);
    }
    let commits = named(&spans, "commit");
    let [commit] = commits[..] else { panic!("{commits:#?}") };
    let of_messages: Vec<&Value> = messages.iter().map(|message| &message["spanId"]).collect();
    let linked = links_of(commit);
    assert!(linked.len() == 2 && of_messages.iter().all(|message| linked.contains(message)));
    assert!(of_messages.contains(&&commit["parentSpanId"]), "{commit}");
}

#[tokio::test]
async fn a_message_may_be_part_of_its_invocations_trace_and_linked_to_its_cause() {
    let event = shipped("p-1", TRACES_OF_CAUSES[0]);
    let settings = TraceSettings {
        message_parent: MessageParent::Invocation,
        ..TraceSettings::of("parcels", 1.0)
    };
    let spans = spans_with(settings, async |environment| {
        let consumer = Consumer::named("parcels").atomic(parcel_shipped);
        let kit = TestConsumer::on(Arc::new(MemoryDatabase::default()), consumer, environment);
        kit.receive(&[&event]).await;
    })
    .await;
    let (invocation, message) = (named(&spans, "invoke")[0], named(&spans, "process ParcelShipped")[0]);
    assert_eq!(message["parentSpanId"], invocation["spanId"]);
    assert_eq!(message["traceId"], invocation["traceId"]);
    assert_eq!(links_of(message), [&json!(CAUSE)]);
}

/// Takes everything.
struct Shelf;

#[async_trait]
impl Destination for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    fn limits(&self) -> Limits {
        Limits {
            entries_max: 10,
            entry_bytes_max: 1_000_000,
            batch_bytes_max: 1_000_000,
        }
    }

    fn bytes(&self, event: &Outgoing) -> usize {
        event.json.len()
    }

    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        Ok(batch.iter().map(|_| Ok("id".to_owned())).collect())
    }
}

async fn published(events: Vec<Event>) -> Vec<Value> {
    spans_of(async |environment| {
        Publisher::new(vec![Arc::new(Shelf)], environment).publish(events).await;
    })
    .await
}

#[tokio::test]
async fn a_request_with_events_of_one_trace_is_part_of_it() {
    let [trace, _] = TRACES_OF_CAUSES;
    let spans = published(vec![shipped("p-1", trace), shipped("p-2", trace)]).await;
    let sent = named(&spans, "send ParcelShipped")[0];
    assert_eq!(
        (&sent["traceId"], &sent["parentSpanId"]),
        (&json!(trace), &json!(CAUSE))
    );
    assert_eq!((&sent["kind"], links_of(sent).len()), (&json!(4), 2));
}

#[tokio::test]
async fn a_request_with_events_of_several_traces_is_linked_to_each() {
    let [first, second] = TRACES_OF_CAUSES;
    let spans = published(vec![shipped("p-1", first), shipped("p-2", second)]).await;
    let sent = named(&spans, "send ParcelShipped")[0];
    let links = sent["links"].as_array().unwrap().iter();
    let linked: Vec<&Value> = links.map(|link| &link["traceId"]).collect();
    assert_eq!(linked, TRACES_OF_CAUSES);
    assert_eq!(sent["parentSpanId"], named(&spans, "invoke")[0]["spanId"]);
}

#[tokio::test]
async fn lines_are_otlp_with_the_pinned_conventions() {
    let written = Written::default();
    let environment = Environment::system();
    let recorder = Recorder::new(
        &TraceSettings::of("parcels", 1.0),
        &environment,
        Box::new(written.clone()),
    );
    let subscriber = Registry::default().with(recorder.layer());
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..100 {
            info_span!(target: TRACES, "invoke").in_scope(|| tracing::info!("what is logged is in no trace"));
        }
        info_span!("of somebody else").in_scope(|| ());
    });
    recorder.write();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "64 spans to a line");
    for line in &lines {
        assert!(line.to_string().starts_with(r#"{"resourceSpans":"#));
        let of_service = &line["resourceSpans"][0];
        assert_eq!(of_service["schemaUrl"], "https://opentelemetry.io/schemas/1.45.0");
        let service = json!({"key": "service.name", "value": {"stringValue": "parcels"}});
        assert_eq!(of_service["resource"]["attributes"], json!([service]));
    }
    assert!(!text.contains("somebody else") && !text.contains("in no trace"));
    recorder.write();
    assert_eq!(written.0.lock().unwrap().len(), text.len(), "each span is written once");
}

#[tokio::test]
async fn a_place_in_a_trace_is_the_same_in_the_header_of_xray() {
    let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
    let recorder = Recorder::new(&TraceSettings::of("parcels", 1.0), &environment, Box::new(io::sink()));
    for (flags, sampled) in [("01", "Sampled=1"), ("00", "Sampled=0")] {
        let trace = TRACES_OF_CAUSES[0];
        let place = TraceContext::read(&format!("00-{trace}-{CAUSE}-{flags}"), None).unwrap();
        let header = recorder.write_xray(&place).unwrap();
        let (root, rest) = (
            format!("Root=1-{}-{}", &trace[..8], &trace[8..]),
            format!("Parent={CAUSE}"),
        );
        assert!(
            [&*root, &rest, sampled].iter().all(|part| header.contains(part)),
            "{header}"
        );
        assert_eq!(recorder.read_xray(&header), Some(place));
    }
}
