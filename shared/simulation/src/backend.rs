//! What the processes of a simulated world act on.

use std::collections::BTreeMap;
use std::time::Duration;

use onecommit_engine::{Delivery, ParkReason};
use onecommit_event::Event;
use onecommit_relay::StreamRecord;
use onecommit_testing::{MemoryDatabase, in_event_bridge_event, in_sns_notification};

use super::time::timestamp_at;

#[derive(Default)]
pub(crate) struct Backend {
    pub(crate) database: std::sync::Arc<MemoryDatabase>,
    pub(crate) queues: BTreeMap<String, QueueState>,
    pub(crate) topics: BTreeMap<String, TopicState>,
    pub(crate) shards: Vec<Shard>,
    pub(crate) outsides: BTreeMap<String, OutsideState>,
    /// Payloads by bucket and key.
    pub(crate) buckets: BTreeMap<String, BTreeMap<String, String>>,
    messages: u64,
}

impl Backend {
    /// When a message that is hidden can be had.
    pub(crate) fn next_change(&self, now: Duration) -> Option<Duration> {
        let messages = self.queues.values().flat_map(|queue| &queue.messages);
        messages.map(|message| message.visible_at).filter(|at| *at > now).min()
    }

    pub(crate) fn send(&mut self, queue: &str, body: String, group: Option<String>, now: Duration) {
        self.messages += 1;
        let message_id = format!("message-{}", self.messages);
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.messages.push(Message {
                delivery: Delivery {
                    message_id,
                    body,
                    group,
                    ..Delivery::default()
                },
                visible_at: now,
            });
        }
    }

    /// Whether the topic takes events of this type.
    pub(crate) fn takes(&self, topic: &str, event_type: &str) -> bool {
        let topic = self.topics.get(topic);
        topic.is_none_or(|topic| !topic.refused.contains(&event_type))
    }

    /// Sends an event to whoever subscribed.
    pub(crate) fn publish(&mut self, topic: &str, event: &Event, now: Duration) {
        let Some(topic) = self.topics.get_mut(topic) else {
            return;
        };
        topic.taken.push(event.clone());
        let body = match topic.kind {
            TopicKind::Sns => in_sns_notification(event),
            TopicKind::EventBridge => in_event_bridge_event(event),
        };
        for queue in topic.queues_for(event.event_type()) {
            let is_fifo = self.queues.get(&queue).is_some_and(|queue| queue.settings.is_fifo);
            let group = is_fifo.then(|| event.aggregate().to_string());
            self.send(&queue, body.clone(), group, now);
        }
    }

    /// What was inserted into the events table appears in its stream, each partition key in one shard.
    pub(crate) fn stream_inserted(&mut self, now: Duration) {
        if self.shards.is_empty() {
            return;
        }
        for row in self.database.take_inserted() {
            let key = row.get("stream").and_then(|key| key.as_str()).unwrap_or_default();
            let sum: usize = key.bytes().map(usize::from).sum();
            let place = sum % self.shards.len();
            let written_at = timestamp_at(now);
            self.shards[place].records.push(StreamRecord { written_at, row });
        }
    }
}

/// How a simulated queue works.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct QueueSettings {
    /// How long a delivery is hidden. Default: 30 s.
    pub visibility: Duration,
    /// How often a message is delivered before the queue's own redrive takes it. Default: 50.
    pub receives_max: u32,
    /// Whether messages of a group keep their order. Default: no.
    pub is_fifo: bool,
}

impl QueueSettings {
    /// The defaults of all settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            visibility: Duration::from_secs(30),
            receives_max: 50,
            is_fifo: false,
        }
    }

    /// Sets [`QueueSettings::visibility`].
    #[must_use]
    pub const fn visibility(mut self, visibility: Duration) -> Self {
        self.visibility = visibility;
        self
    }

    /// Sets [`QueueSettings::receives_max`].
    #[must_use]
    pub const fn receives_max(mut self, receives_max: u32) -> Self {
        self.receives_max = receives_max;
        self
    }

    /// Sets [`QueueSettings::is_fifo`].
    #[must_use]
    pub const fn is_fifo(mut self, is_fifo: bool) -> Self {
        self.is_fifo = is_fifo;
        self
    }
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Default)]
pub(crate) struct QueueState {
    pub(crate) settings: QueueSettings,
    pub(crate) messages: Vec<Message>,
    pub(crate) parked: Vec<(Delivery, ParkReason, String)>,
    pub(crate) redriven: Vec<Delivery>,
}

pub(crate) struct Message {
    pub(crate) delivery: Delivery,
    pub(crate) visible_at: Duration,
}

impl QueueState {
    fn is_available(&self, message: &Message, now: Duration) -> bool {
        let is_blocked = self.settings.is_fifo
            && self
                .messages
                .iter()
                .any(|other| other.visible_at > now && other.delivery.group == message.delivery.group);
        message.visible_at <= now && !is_blocked
    }

    /// How many messages could come first.
    pub(crate) fn firsts(&self, now: Duration) -> usize {
        let available = self.messages.iter().filter(|message| self.is_available(message, now));
        let most = if self.settings.is_fifo { 1 } else { FIRSTS_MAX };
        available.take(most).count()
    }

    /// Up to `most` messages, the one at `first` among those that can be had before the others.
    pub(crate) fn receive(&mut self, most: usize, first: usize, now: Duration, stays: bool) -> Vec<Delivery> {
        let mut places: Vec<usize> = (0..self.messages.len())
            .filter(|place| self.is_available(&self.messages[*place], now))
            .collect();
        if first < places.len() {
            let place = places.remove(first);
            places.insert(0, place);
        }
        places.truncate(most);
        let mut exhausted = Vec::new();
        let mut received = Vec::new();
        for place in places {
            let message = &mut self.messages[place];
            if message.delivery.receive_count >= self.settings.receives_max {
                exhausted.push(message.delivery.message_id.clone());
                continue;
            }
            let delivery = &mut message.delivery;
            delivery.receive_count += 1;
            delivery.first_received_at.get_or_insert(timestamp_at(now));
            delivery.receipt = format!("{}/{}", delivery.message_id, delivery.receive_count);
            if !stays {
                message.visible_at = now + self.settings.visibility;
            }
            received.push(delivery.clone());
        }
        for id in exhausted {
            if let Some(place) = self
                .messages
                .iter()
                .position(|message| message.delivery.message_id == id)
            {
                let message = self.messages.remove(place);
                self.redriven.push(message.delivery);
            }
        }
        received
    }

    /// An old receipt changes nothing.
    pub(crate) fn delete(&mut self, receipt: &str) {
        self.messages.retain(|message| message.delivery.receipt != receipt);
    }

    pub(crate) fn delay(&mut self, receipt: &str, until: Duration, now: Duration) {
        let message = self
            .messages
            .iter_mut()
            .find(|message| message.delivery.receipt == receipt && message.visible_at > now);
        if let Some(message) = message {
            message.visible_at = until;
        }
    }
}

/// Alternatives that a standard queue offers for what it delivers first.
const FIRSTS_MAX: usize = 3;

/// In which envelope events arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopicKind {
    /// An SNS notification.
    #[default]
    Sns,
    /// An EventBridge event.
    EventBridge,
}

#[derive(Default)]
pub(crate) struct TopicState {
    pub(crate) kind: TopicKind,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) refused: Vec<&'static str>,
    pub(crate) taken: Vec<Event>,
}

impl TopicState {
    /// The queues of those who want events of this type.
    pub(crate) fn queues_for(&self, event_type: &str) -> Vec<String> {
        let wanting = self
            .subscriptions
            .iter()
            .filter(|subscription| subscription.wants(event_type));
        wanting.map(|subscription| subscription.queue.clone()).collect()
    }
}

pub(crate) struct Subscription {
    pub(crate) queue: String,
    /// Everything when empty.
    pub(crate) event_types: Vec<&'static str>,
}

impl Subscription {
    fn wants(&self, event_type: &str) -> bool {
        self.event_types.is_empty() || self.event_types.contains(&event_type)
    }
}

/// One shard of the events table's stream.
#[derive(Default)]
pub(crate) struct Shard {
    pub(crate) records: Vec<StreamRecord>,
    /// How many of them its reader is done with.
    pub(crate) done: usize,
}

/// A system that is not ours.
#[derive(Default)]
pub(crate) struct OutsideState {
    /// What it did, in order: the request, and the idempotency key it came with.
    pub(crate) done: Vec<(String, Option<String>)>,
}

impl OutsideState {
    /// Acts once for each idempotency key, and every time without one. Gives the number of what it did.
    pub(crate) fn call(&mut self, request: &str, key: Option<&str>) -> u64 {
        let known = key.and_then(|key| self.done.iter().position(|(_, known)| known.as_deref() == Some(key)));
        let place = known.unwrap_or_else(|| {
            self.done.push((request.to_owned(), key.map(str::to_owned)));
            self.done.len() - 1
        });
        place as u64 + 1
    }
}
