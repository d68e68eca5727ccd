//! What the functions write about one order.

use std::time::Duration;

use onecommit_testing::Patience;
use serde_json::{Value, json};

use super::storefront::Storefront;
use crate::aws::Aws;
use crate::deployment;
use crate::events::unique;
use crate::patience::eventually_within;

/// Reading all log lines takes a second or more.
const PATIENCE: Patience = Patience {
    at_most: Duration::from_secs(600),
    between_looks: Duration::from_secs(2),
};
/// What the saga and the contexts do for an order that goes well.
const HANDLED: [&str; 10] = [
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
];

pub(super) async fn one_order_is_one_trace_from_the_request_to_the_notification() {
    let aws = Aws::connect();
    let storefront = Storefront::open(aws.deployment.outputs().clone(), 8);
    let order_id = storefront.place_for(&unique("cus"));
    let mut path = vec!["POST /orders".to_owned()];
    path.extend(HANDLED.map(str::to_owned));
    let look = || async { Written::about(&order_id) };
    let is_whole = |written: &Written| {
        let are_handled = HANDLED.iter().all(|name| !named(&written.trace, name).is_empty());
        are_handled && path.iter().zip(&HANDLED).all(|(cause, _)| written.is_sent_after(cause))
    };
    let written = eventually_within(PATIENCE, "the trace of an order, and of its messages", look, is_whole).await;
    let trace = written.trace;

    let roots: Vec<&Value> = trace.iter().filter(|span| parent_of(&trace, span).is_none()).collect();
    let [request] = &roots[..] else {
        panic!("more than one beginning: {roots:#?}")
    };
    assert_eq!(
        (&request["name"], &request["kind"]),
        (&json!("POST /orders"), &json!(2))
    );
    assert_eq!(path_to(&trace, "process NotifyCustomer"), path);
}

/// What the functions have written so far.
#[derive(Debug)]
struct Written {
    all: Vec<Value>,
    /// What belongs to the trace of one order.
    trace: Vec<Value>,
}

impl Written {
    fn about(order_id: &str) -> Self {
        let lines = deployment::functions_lines();
        let all: Vec<Value> = lines.iter().flat_map(|line| spans_in(line)).collect();
        let saga = format!("OrderSaga#{order_id}");
        let of_saga = all.iter().find(|span| span["events"].to_string().contains(&saga));
        let id = of_saga.map(|span| span["traceId"].clone());
        let trace = all.iter().filter(|span| Some(&span["traceId"]) == id.as_ref());
        Self {
            trace: trace.cloned().collect(),
            all,
        }
    }

    /// Whether the relay published what this span of the order caused: by a request for this order alone, which is part of its
    /// trace, or by one for several, which is linked with it.
    fn is_sent_after(&self, cause: &str) -> bool {
        let causes = named(&self.trace, cause);
        let is_cause = |id: &Value| causes.iter().any(|cause| cause["spanId"] == *id);
        let is_send = |span: &&Value| span["name"].as_str().is_some_and(|name| name.starts_with("send"));
        self.all.iter().filter(is_send).any(|span| {
            let mut links = span["links"].as_array().into_iter().flatten();
            is_cause(&span["parentSpanId"]) || links.any(|link| is_cause(&link["spanId"]))
        })
    }
}

fn spans_in(line: &str) -> Vec<Value> {
    let Some(start) = line.find(r#"{"resourceSpans":"#) else {
        return Vec::new();
    };
    // The line of a function that was killed while it wrote is none.
    let line: Value = serde_json::from_str(&line[start..]).unwrap_or_default();
    let scopes = line["resourceSpans"][0]["scopeSpans"].as_array().into_iter().flatten();
    let spans = scopes.flat_map(|scope| scope["spans"].as_array().into_iter().flatten());
    spans.cloned().collect()
}

fn named<'a>(trace: &'a [Value], name: &str) -> Vec<&'a Value> {
    trace.iter().filter(|span| span["name"] == name).collect()
}

fn parent_of<'a>(trace: &'a [Value], span: &Value) -> Option<&'a Value> {
    trace.iter().find(|other| other["spanId"] == span["parentSpanId"])
}

/// The names from the beginning of the trace to a span. A message may have been handled more than once; its first span counts.
fn path_to(trace: &[Value], name: &str) -> Vec<String> {
    let mut next = named(trace, name).first().copied();
    let mut path = Vec::new();
    while let Some(span) = next {
        path.insert(0, span["name"].as_str().unwrap_or_default().to_owned());
        next = parent_of(trace, span);
    }
    path
}
