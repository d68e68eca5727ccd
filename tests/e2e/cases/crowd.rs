//! Many at once.

use std::collections::HashMap;

use onecommit_event::Event;
use serde_json::json;

use crate::aws::{Attributes, Aws, Route};
use crate::events::{json_of, order_created, payment_processed, unique};
use crate::rows::number;

const ORDERS: usize = 50;
/// With the order itself, 200 events.
const PAYMENTS_PER_ORDER: [i64; 3] = [1_000, 900, 600];
const POISON: usize = 20;

/// What is sent, one message each.
enum Sent<'a> {
    Event(&'a Event, Route),
    Poison(String),
}

pub(super) async fn in_a_crowd_with_copies_and_poison_every_event_takes_effect_once_and_every_poison_is_parked() {
    let aws = Aws::connect();
    let events: Vec<Event> = (0..ORDERS).flat_map(|_| order_with_payments()).collect();
    let poison: Vec<String> = (0..POISON).map(|_| unique("poison")).collect();
    for sent in shuffled(everything(&events, &poison)) {
        match sent {
            Sent::Event(event, route) => aws.send(event, route).await,
            Sent::Poison(body) => drop(aws.send_body(&body, Attributes::new()).await),
        }
    }
    for event in &events {
        aws.handled(event).await;
    }
    aws.drained().await;
    for event in &events {
        assert!(
            aws.dead_letters().all_with(&event.id().to_string()).is_empty(),
            "{} is not parked",
            event.id()
        );
    }
    for (order_id, paid) in paid_by_order(&events) {
        let order = aws.order(&order_id).await.expect("every event of the order is handled");
        assert_eq!(
            (number(&order, "totalMinorUnits"), number(&order, "paidMinorUnits")),
            (Some(2_500), Some(paid))
        );
    }
    for marker in &poison {
        aws.dead_letters().with(marker).await;
        for letter in aws.dead_letters().parked_once_for_each_delivery(marker) {
            assert_eq!(letter.reason(), Some(reason_of(marker, &poison)));
        }
    }
}

pub(crate) fn order_with_payments() -> Vec<Event> {
    let order = order_created();
    let payments = PAYMENTS_PER_ORDER.map(|amount| payment_processed(order.aggregate().id(), amount));
    [vec![order], payments.into()].concat()
}

/// Every event over one of the routes, three of ten over a second one too, and the poison.
fn everything<'a>(events: &'a [Event], poison: &[String]) -> Vec<Sent<'a>> {
    let route = |number: usize| Route::ALL[number % Route::ALL.len()];
    let firsts = events
        .iter()
        .enumerate()
        .map(|(number, event)| Sent::Event(event, route(number)));
    let copied = events.iter().enumerate().filter(|(number, _)| number % 10 < 3);
    let copies = copied.map(|(number, event)| Sent::Event(event, route(number + 1)));
    let poison = poison
        .iter()
        .enumerate()
        .map(|(number, marker)| Sent::Poison(poison_body(number, marker)));
    firsts.chain(copies).chain(poison).collect()
}

/// Malformed bodies and unknown types in turn.
fn poison_body(number: usize, marker: &str) -> String {
    if number.is_multiple_of(2) {
        return format!("{{{marker}");
    }
    let mut event = json_of(&order_created());
    event["eventType"] = json!("OrderTeleported");
    event["payload"]["marker"] = json!(marker);
    event.to_string()
}

fn reason_of(marker: &String, poison: &[String]) -> &'static str {
    let number = poison.iter().position(|other| other == marker).unwrap();
    if number.is_multiple_of(2) {
        "MalformedBody"
    } else {
        "UnknownEventType"
    }
}

/// The same order every time, but neighbours come from far apart.
pub(super) fn shuffled<T>(things: Vec<T>) -> Vec<T> {
    const STRIDE: usize = 97;
    let count = things.len();
    assert!(
        !count.is_multiple_of(STRIDE),
        "a stride that divides the count would visit some places twice"
    );
    let mut places: Vec<(usize, T)> = things
        .into_iter()
        .enumerate()
        .map(|(place, thing)| (place * STRIDE % count, thing))
        .collect();
    places.sort_by_key(|(place, _)| *place);
    places.into_iter().map(|(_, thing)| thing).collect()
}

pub(crate) fn paid_by_order(events: &[Event]) -> HashMap<String, i64> {
    let mut paid = HashMap::new();
    for event in events.iter().map(json_of) {
        if let Some(order_id) = event["payload"]["orderId"].as_str() {
            *paid.entry(order_id.to_owned()).or_default() += event["payload"]["amount"]["minorUnits"].as_i64().unwrap();
        }
    }
    paid
}
