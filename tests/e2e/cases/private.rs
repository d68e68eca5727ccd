//! What people wrote into messages is in no log, error, metric, API answer or reason, wherever it goes wrong.

use aws_sdk_sqs::types::QueueAttributeName::FifoQueue;
use onecommit_event::Event;
use serde_json::{Value, json};

use crate::api::{invoke_publisher, post_events, request};
use crate::aws::Aws;
use crate::canaries::{CARD, EMAIL, NAME, PHONE, shown_in};
use crate::dead_letters::DeadLetters;
use crate::events::{json_of, order_created, unique};
use crate::patience::eventually;
use crate::worker::WorkerProcess;

/// What of an event has another type, so that it is parked whatever is there.
const WRONG_FOR_ANY: [&str; 9] = [
    "/eventId",
    "/timestamp",
    "/payload",
    "/payload/items",
    "/payload/items/0/quantity",
    "/payload/total",
    "/payload/total/currency",
    "/metadata",
    "/metadata/sequence",
];
/// What takes any text, so that it may be handled.
const RIGHT_FOR_A_TEXT: [&str; 5] = [
    "/eventType",
    "/aggregateType",
    "/payload/customerId",
    "/payload/items/0/sku",
    "/metadata/userId",
];

/// The event with this value at this place, and a field by which it is recognised.
fn bent(event: &Event, place: &str, value: &Value, marker: &str) -> String {
    let mut event = json_of(event);
    *event.pointer_mut(place).unwrap_or(&mut Value::Null) = value.clone();
    if place == "/metadata/userId" || place == "/metadata/sequence" {
        event["metadata"][place.rsplit('/').next().unwrap()] = value.clone();
    }
    event["marker"] = json!(marker);
    event.to_string()
}

fn canaries() -> [Value; 6] {
    [
        json!(CARD),
        json!(CARD.parse::<u64>().unwrap()),
        json!(EMAIL),
        json!(PHONE),
        json!({CARD: EMAIL}),
        json!([NAME]),
    ]
}

/// Messages that cannot be handled, with a canary each.
fn poison(marker: &str) -> Vec<String> {
    let event = order_created();
    let canaries = canaries();
    let mut bodies: Vec<String> = WRONG_FOR_ANY
        .iter()
        .flat_map(|place| canaries.iter().map(|canary| bent(&event, place, canary, marker)))
        // Some events are right by chance: an object is a payload, and a list has items.
        .collect();
    bodies.extend([
        format!("{{\"marker\": \"{marker}\", \"card\": \"{CARD}\", "),
        format!("{marker} {CARD} {EMAIL}"),
        json!({"marker": marker, "card": CARD}).to_string(),
        json!({"marker": marker, "detail-type": CARD, "detail": EMAIL}).to_string(),
        json!({"marker": marker, "TopicArn": CARD, "Message": PHONE}).to_string(),
        json!({"marker": marker, "specversion": CARD, "id": EMAIL, "source": PHONE}).to_string(),
    ]);
    bodies
}

fn unpoisoned(marker: &str) -> Vec<String> {
    let texts = [CARD, EMAIL, PHONE, NAME].map(Value::from);
    let places = RIGHT_FOR_A_TEXT.iter();
    places
        .flat_map(|place| texts.iter().map(|text| bent(&order_created(), place, text, marker)))
        .collect()
}

/// How many dead letters there are with the marker once all are there, none of which shows a canary.
async fn are_parked(letters: &DeadLetters, marker: &str, count: usize) {
    let found = async || letters.all_with(marker);
    let found = eventually("every poison to be parked", found, |found| found.len() >= count).await;
    for letter in found {
        let said = letter.said();
        assert_eq!(shown_in(&said), [""; 0], "{said}");
    }
}

pub(super) async fn nothing_that_a_message_holds_is_quoted_whichever_way_it_comes() {
    let (aws, marker) = (Aws::connect(), unique("private"));
    let bodies = poison(&marker);
    aws.send_bodies(aws.deployment.output("ConsumerQueueUrl"), bodies.clone())
        .await;
    aws.send_bodies(aws.deployment.output("ConsumerQueueUrl"), unpoisoned(&marker))
        .await;
    // The same within what SNS and EventBridge put around a message.
    let in_envelopes = bodies.iter().flat_map(|body| {
        let detail: Value = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        [
            json!({"TopicArn": "arn:aws:sns:eu-west-1:000000000000:t", "Message": body}).to_string(),
            json!({"detail-type": "OrderCreated", "detail": detail}).to_string(),
        ]
    });
    let in_envelopes: Vec<String> = in_envelopes.collect();
    aws.send_bodies(aws.deployment.output("ConsumerQueueUrl"), in_envelopes)
        .await;
    // An event whose payload is an object that the type does not know is not wrong in itself.
    let least = bodies.len() * 3 - 3 * canaries().len();
    are_parked(aws.dead_letters(), &marker, least).await;
}

pub(super) async fn a_worker_on_a_fifo_queue_quotes_nothing_either() {
    let (aws, marker) = (Aws::connect(), unique("private"));
    let fifo = [(FifoQueue, "true")];
    let (queue, dead) = (aws.create_queue(&fifo).await, aws.create_queue(&fifo).await);
    let letters = DeadLetters::collect(&aws.deployment.endpoint, &aws.deployment.region, &dead);
    let bodies = poison(&marker);
    for (place, body) in bodies.iter().enumerate() {
        let request = aws.sqs.send_message().queue_url(&queue).message_body(body);
        let request = request.message_group_id(format!("group-{}", place % 10));
        request
            .message_deduplication_id(format!("message-{place}"))
            .send()
            .await
            .unwrap();
    }
    let worker = WorkerProcess::start(&aws, &queue, &dead);
    are_parked(&letters, &marker, bodies.len() - canaries().len()).await;
    for line in worker.terminate().lines {
        let line = line.to_string();
        assert_eq!(shown_in(&line), [""; 0], "{line}");
    }
}

pub(super) async fn no_api_repeats_what_it_was_sent_in_a_refusal() {
    let (aws, marker) = (Aws::connect(), unique("private"));
    let mut refusals = 0;
    for body in poison(&marker) {
        for answer in [
            post_events(aws.deployment, &body),
            invoke_publisher(aws.deployment, &body),
        ] {
            let text = answer.body.to_string();
            assert_eq!(shown_in(&text), [""; 0], "{body}: {text}");
            refusals += usize::from(answer.status >= 400);
        }
    }
    assert!(refusals > 0);
    for (method, api, path, body) in requests() {
        let url = format!("{}{path}", aws.deployment.output(api));
        let answer = request(method, &url, body.as_ref());
        let text = answer.body.to_string();
        assert!((400..500).contains(&answer.status), "{method} {path}: {answer:?}");
        assert_eq!(shown_in(&text), [""; 0], "{method} {path}: {text}");
    }
}

/// Requests that every API refuses, with canaries in each place.
fn requests() -> Vec<(&'static str, &'static str, String, Option<Value>)> {
    let item = |sku: &str, quantity: Value| json!({"sku": sku, "quantity": quantity, "unitPriceMinor": CARD});
    let order = |items: Value| json!({"orderId": EMAIL, "customerId": PHONE, "currency": CARD, "items": items});
    let mut requests = vec![
        (
            "POST",
            "OrdersApiUrl",
            "/orders".into(),
            Some(order(json!([item(EMAIL, json!(CARD))]))),
        ),
        (
            "POST",
            "OrdersApiUrl",
            "/orders".into(),
            Some(order(json!({CARD: NAME}))),
        ),
        ("GET", "OrdersApiUrl", format!("/orders/{CARD}"), None),
        ("GET", "CatalogApiUrl", format!("/catalog/products/{CARD}"), None),
        ("GET", "CatalogApiUrl", format!("/catalog/products?limit={CARD}"), None),
        (
            "PUT",
            "CatalogApiUrl",
            "/catalog/products/T".into(),
            Some(json!({"name": CARD, "category": [NAME], "price": PHONE})),
        ),
        ("GET", "PaymentsApiUrl", format!("/payments/{CARD}"), None),
        (
            "GET",
            "NotificationsApiUrl",
            format!("/notifications/templates/{CARD}"),
            None,
        ),
        (
            "PUT",
            "NotificationsApiUrl",
            "/notifications/templates/t".into(),
            Some(json!({"subject": format!("{{{{ '{CARD}' |"), "text": EMAIL})),
        ),
        ("GET", "UsersApiUrl", format!("/users/{CARD}"), None),
        ("GET", "UsersApiUrl", format!("/users/{CARD}%20/preferences"), None),
    ];
    for (field, value) in [
        ("email", json!(CARD)),
        ("phone", json!(EMAIL)),
        ("pushEndpoint", json!(NAME)),
        ("channels", json!([CARD])),
        ("channels", json!(NAME)),
    ] {
        let mut preferences = json!({"channels": []});
        preferences[field] = value;
        requests.push((
            "PUT",
            "UsersApiUrl",
            "/users/canary/preferences".into(),
            Some(preferences),
        ));
    }
    for profile in [
        json!({"displayName": {"card": CARD}}),
        json!({"displayName": NAME, "locale": EMAIL}),
        json!({CARD: 1, "displayName": NAME}),
    ] {
        requests.push(("PUT", "UsersApiUrl", "/users/canary".into(), Some(profile)));
    }
    requests
}
