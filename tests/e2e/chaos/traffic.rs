//! What is sent: events with copies, and poison among them.

use aws_sdk_sqs::Client;
use onecommit_environment::{Clock, Random, SystemClock};
use onecommit_event::Event;
use serde_json::{Value, json};

use crate::api::request;
use crate::aws::session;
use crate::cases::{in_an_hour, order_with_payments};
use crate::deployment::Deployment;
use crate::events::{json_of, order_created, order_created_with, unique};
use crate::patience::{BETWEEN_ATTEMPTS, pause};

/// Copies, of a hundred events.
const COPIES_PERCENT: u64 = 20;
/// Poison, for a hundred events.
const POISON_PERCENT: usize = 5;
/// One order of so many is too large for a message.
const ORDERS_PER_LARGE_ONE: usize = 100;
const LARGE_BYTES: usize = 300 * 1024;
const EVENTS_PER_REQUEST: usize = 20;
/// A request that was never answered well this often in a row is a defect, and not chance or an outage.
const ATTEMPTS_MAX: usize = 1_000;

/// Everything that is to be sent, in its order.
pub(crate) struct Traffic {
    pub(crate) events: Vec<Event>,
    pub(crate) copies: usize,
    pub(crate) poison: Vec<Poison>,
    /// Through the publisher: events, copies, and poison that only a handler can tell.
    published: Vec<Value>,
}

/// What must be parked, and why.
#[derive(Clone)]
pub(crate) struct Poison {
    /// In its body, and in no other.
    pub(crate) marker: String,
    pub(crate) reason: &'static str,
    body: String,
    /// Whether the publisher takes it; otherwise it goes straight to the queue.
    is_publishable: bool,
}

/// What publishing took.
#[derive(Default)]
pub(crate) struct Publishing {
    pub(crate) requests: u64,
    /// Events that were sent again because the publisher was not sure of them, or did not answer.
    pub(crate) sent_again: u64,
}

impl Traffic {
    /// So many events or a few more: an order and three payments each.
    pub(crate) fn of(events: usize, random: &dyn Random) -> Self {
        let orders = events.div_ceil(4).max(1);
        let events: Vec<Event> = (0..orders).flat_map(order).collect();
        let poison: Vec<Poison> = (0..events.len() * POISON_PERCENT / 100).map(Poison::of_kind).collect();
        let copied: Vec<&Event> = events.iter().filter(|_| random.up_to(99) < COPIES_PERCENT).collect();
        let publishable = poison.iter().filter(|poison| poison.is_publishable);
        let mut published: Vec<Value> = events.iter().chain(copied.iter().copied()).map(json_of).collect();
        published.extend(publishable.map(|poison| serde_json::from_str::<Value>(&poison.body).unwrap()));
        shuffle(&mut published, random);
        let copies = copied.len();
        Self {
            events,
            copies,
            poison,
            published,
        }
    }

    /// Publishes through the API, and publishes again what did not leave for certain.
    pub(crate) fn publish(&self, deployment: &Deployment) -> Publishing {
        let url = format!("{}/events", deployment.output("ApiUrl"));
        let mut publishing = Publishing::default();
        for some in self.published.chunks(EVENTS_PER_REQUEST) {
            let mut open = some.to_vec();
            for attempt in 0.. {
                assert!(attempt < ATTEMPTS_MAX, "{} events never left", open.len());
                let answer = request("POST", &url, Some(&json!(open)));
                publishing.requests += 1;
                if let Some(results) = answer.body["results"].as_array() {
                    assert_eq!(results.len(), open.len(), "each event has its result: {answer:?}");
                    let mut results = results.iter();
                    open.retain(|_| results.next().unwrap()["status"] != "published");
                }
                if open.is_empty() {
                    break;
                }
                publishing.sent_again += open.len() as u64;
                pause();
            }
        }
        publishing
    }

    /// Sends the poison that no publisher takes to the consumer's queue, through the faults, until each has arrived.
    pub(crate) fn poison_queue(&self, deployment: &Deployment) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let session = session(&deployment.functions_endpoint, &deployment.region);
            let sqs = Client::new(&session.sdk_config());
            for poison in self.poison.iter().filter(|poison| !poison.is_publishable) {
                let mut attempts = 0;
                let queue_url = deployment.output("ConsumerQueueUrl");
                while let Err(error) = sqs
                    .send_message()
                    .queue_url(queue_url)
                    .message_body(&poison.body)
                    .send()
                    .await
                {
                    attempts += 1;
                    assert!(attempts < ATTEMPTS_MAX, "{} never left: {error:?}", poison.marker);
                    SystemClock.sleep(BETWEEN_ATTEMPTS).await;
                }
            }
        });
    }
}

impl Poison {
    /// One of six kinds, in turn.
    fn of_kind(number: usize) -> Self {
        let marker = unique("poison");
        let mut event = json_of(&order_created());
        event["payload"]["customerId"] = json!(marker);
        let (body, reason) = match number % 6 {
            0 => (format!("{{{marker}"), "MalformedBody"),
            1 => {
                event["payload"]["total"] = json!("25 euros");
                (event.to_string(), "InvalidPayload")
            }
            2 => {
                event["eventType"] = json!("OrderTeleported");
                (event.to_string(), "UnknownEventType")
            }
            3 => {
                event["metadata"]["schemaVersion"] = json!(99);
                (event.to_string(), "UnknownSchemaVersion")
            }
            4 => {
                event.as_object_mut().unwrap().remove("timestamp");
                (event.to_string(), "InvalidEvent")
            }
            _ => {
                let mut event = json_of(&in_an_hour(&order_created()));
                event["payload"]["customerId"] = json!(marker);
                (event.to_string(), "FutureTimestamp")
            }
        };
        Self {
            is_publishable: matches!(reason, "InvalidPayload" | "UnknownSchemaVersion"),
            marker,
            reason,
            body,
        }
    }
}

/// An order and its payments; now and then one too large for a message.
fn order(number: usize) -> Vec<Event> {
    let mut events = order_with_payments();
    if number % ORDERS_PER_LARGE_ONE == ORDERS_PER_LARGE_ONE / 2 {
        let large = order_created_with(&"x".repeat(LARGE_BYTES));
        events.push(large);
    }
    events
}

/// Fisher and Yates.
fn shuffle<T>(things: &mut [T], random: &dyn Random) {
    for last in (1..things.len()).rev() {
        let other = usize::try_from(random.up_to(last as u64)).unwrap();
        things.swap(last, other);
    }
}
