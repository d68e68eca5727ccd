//! One order is one trace.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use onecommit_environment::{Environment, SeededRandom, SystemClock, TRACES, Tracer};
use onecommit_telemetry::traces::{Recorder, TraceSettings};
use serde_json::Value;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use crate::network::Network;
use crate::world::World;

const CUSTOMER: &str = "cus_4711";

/// Keeps what is written.
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

/// The spans of an order, placed through the API in a span of its own, and all lines they were written in.
async fn traced_order() -> (Vec<Value>, String) {
    let written = Written::default();
    let randomness = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(7)));
    let recorder = Recorder::new(
        &TraceSettings::of("storefront", 1.0),
        &randomness,
        Box::new(written.clone()),
    );
    let subscriber = Registry::default().with(recorder.layer());
    let tracer: Arc<dyn Tracer> = recorder.clone();
    async {
        let mut world = World::traced(Network::calm(), 1, Some(tracer)).await;
        world.sell("TEAPOT", 2, 1_250).await;
        world.shop.register(CUSTOMER).await;
        world.deliver_all().await;
        // A span that another test reaches first, while this one begins to listen, would count as wanted by nobody.
        tracing::callsite::rebuild_interest_cache();
        let request = info_span!(target: TRACES, "POST /orders", otel.kind = "server");
        let placing = world.place("ord_1", CUSTOMER, &[("TEAPOT", 1, 1_250)]);
        placing.instrument(request).await;
        world.deliver_all().await;
    }
    .with_subscriber(subscriber)
    .await;
    recorder.write();
    let lines = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let spans = lines.lines().flat_map(spans_of).collect();
    (spans, lines)
}

fn spans_of(line: &str) -> Vec<Value> {
    let line: Value = serde_json::from_str(line).unwrap();
    let scopes = line["resourceSpans"][0]["scopeSpans"].as_array().unwrap();
    let spans = scopes.iter().flat_map(|scope| scope["spans"].as_array().unwrap());
    spans.cloned().collect()
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let mut found = spans.iter().filter(|span| span["name"] == name);
    let first = found.next().unwrap_or_else(|| panic!("no span {name}"));
    assert_eq!(found.next(), None, "{name} is there twice");
    first
}

fn parent_of<'a>(spans: &'a [Value], span: &Value) -> Option<&'a Value> {
    spans.iter().find(|other| other["spanId"] == span["parentSpanId"])
}

/// The names from the root down to a span.
fn path_to(spans: &[Value], name: &str) -> Vec<String> {
    let mut next = Some(named(spans, name));
    let mut path = Vec::new();
    while let Some(span) = next {
        path.insert(0, span["name"].as_str().unwrap().to_owned());
        next = parent_of(spans, span);
    }
    path
}

#[tokio::test(start_paused = true)]
async fn one_order_is_one_trace_from_the_request_to_the_notification() {
    let (spans, _) = traced_order().await;
    let request = named(&spans, "POST /orders");
    let (of_order, others): (Vec<Value>, Vec<Value>) = spans
        .iter()
        .cloned()
        .partition(|span| span["traceId"] == request["traceId"]);
    assert_eq!(
        path_to(&of_order, "process NotifyCustomer"),
        [
            "POST /orders",
            "process OrderRequested",
            "process CreateOrder",
            "process OrderCreated",
            "process ReserveInventory",
            "process InventoryReserved",
            "process CapturePayment",
            "process PaymentProcessed",
            "process ConfirmOrder",
            "process OrderConfirmed",
            "process NotifyCustomer",
        ]
    );
    for span in &of_order {
        assert!(span == request || parent_of(&of_order, span).is_some(), "{span}");
    }
    let is_of_order = |span: &&Value| span.to_string().contains("ord_1");
    assert_eq!(
        others.iter().find(is_of_order),
        None,
        "all that is done for an order is in its trace"
    );
}

#[tokio::test(start_paused = true)]
async fn each_commit_is_part_of_what_it_commits_and_transitions_are_noted() {
    let (spans, _) = traced_order().await;
    let commits: Vec<&Value> = spans.iter().filter(|span| span["name"] == "commit").collect();
    assert!(commits.len() >= 10, "{}", commits.len());
    for commit in commits {
        let parent = parent_of(&spans, commit).unwrap();
        assert!(parent["name"].as_str().unwrap().starts_with("process "), "{parent}");
    }
    let reserved = named(&spans, "process InventoryReserved");
    let transition = &reserved["events"][0];
    assert_eq!(transition["name"], "saga transition");
    let told = transition.to_string();
    assert!(
        told.contains("OrderSaga#ord_1") && told.contains("CapturePayment"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn spans_hold_nothing_of_what_messages_and_rows_say() {
    let (_, lines) = traced_order().await;
    assert!(lines.contains("process OrderRequested"));
    for private in [CUSTOMER, "example.com", "TEAPOT", "1250", "card", "minorUnits"] {
        assert!(!lines.contains(private), "{private} is in a span");
    }
}

#[tokio::test(start_paused = true)]
async fn while_traces_are_off_events_have_none() {
    let mut world = World::new(Network::calm(), 1).await;
    world.sell("TEAPOT", 2, 1_250).await;
    world.place("ord_1", CUSTOMER, &[("TEAPOT", 1, 1_250)]).await;
    world.deliver_all().await;
    let stream = onecommit_event::Aggregate::new("OrderSaga", "ord_1").unwrap();
    let commands = world.store.read(&stream, 1).all().await.unwrap();
    assert!(!commands.is_empty());
    assert!(commands.iter().all(|command| command.metadata().traceparent.is_none()));
}
