//! The deployment as a client sees it: routes into it, and the tables and queues where effects show.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use onecommit_aws::Session;
use onecommit_config::Reader;
use onecommit_engine::{Item, PENDING};
use onecommit_event::{Aggregate, Event};
use onecommit_testing::{Patience, in_cloud_event};

use crate::dead_letters::DeadLetters;
use crate::deployment::{self, Deployment};
use crate::events::unique;
use crate::patience::{eventually_some, eventually_within};
use crate::rows;

/// The consumer's part of the ledger.
const LEDGER_PREFIX: &str = "orders-view#";

/// What the names of queues begin with that cases made for themselves.
pub(crate) const QUEUE_OF_A_CASE: &str = "queue_";

/// A client here is no subject of a test: it repeats what a busy machine did not answer.
const ATTEMPTS_MAX: u32 = 5;

/// Clients for one case.
pub(crate) struct Aws {
    pub(crate) deployment: &'static Deployment,
    pub(crate) session: Session,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) event_bridge: aws_sdk_eventbridge::Client,
}

/// A way into the consumer's queue, as producers from outside go it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Sns,
    EventBridge,
    Bare,
    CloudEvent,
}

impl Route {
    pub(crate) const ALL: [Self; 4] = [Self::Sns, Self::EventBridge, Self::Bare, Self::CloudEvent];
}

/// Attributes of an SQS message by their names.
pub(crate) type Attributes = Vec<(String, MessageAttributeValue)>;

/// A session with a local AWS, which takes any credentials.
pub(crate) fn session(endpoint: &str, region: &str) -> Session {
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", region),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REQUEST_TIMEOUT_MS", "60000"),
    ];
    let mut reader = Reader::new(&variables);
    let session = Session::read(&mut reader);
    reader.finish().map(|()| session).unwrap()
}

/// Waits for work, also where a runtime is about already.
pub(crate) fn on_a_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

impl Aws {
    /// Clients for the shared deployment.
    pub(crate) fn connect() -> Self {
        Self::connect_to(deployment::shared())
    }

    /// Clients for a deployment of a case's own.
    pub(crate) fn connect_to(deployment: &'static Deployment) -> Self {
        let session = session(&deployment.endpoint, &deployment.region);
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX);
        let config = session.sdk_config().into_builder().retry_config(retries).build();
        Self {
            deployment,
            session,
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            event_bridge: aws_sdk_eventbridge::Client::new(&config),
        }
    }

    pub(crate) fn dead_letters(&self) -> &DeadLetters {
        &self.deployment.dead_letters
    }

    // ------------------------------------------------------------ ways in

    pub(crate) async fn send(&self, event: &Event, route: Route) {
        match route {
            Route::Sns => self.publish_to_sns("OutsideTopicArn", event).await,
            Route::EventBridge => self.put_on_event_bridge(event).await,
            Route::Bare => drop(self.send_body(&event.to_json(), Attributes::new()).await),
            Route::CloudEvent => drop(self.send_body(&in_cloud_event(event), Attributes::new()).await),
        }
    }

    /// To the topic of what was committed, in the relay's stead: commands, and events of contexts. A local AWS lets anybody.
    pub(crate) async fn publish_from_store(&self, event: &Event) {
        self.publish_to_sns("EventsTopicArn", event).await;
    }

    /// Straight to the consumer's queue; gives the message's id.
    pub(crate) async fn send_body(&self, body: &str, attributes: Attributes) -> String {
        self.send_to(self.deployment.output("ConsumerQueueUrl"), body, attributes)
            .await
    }

    pub(crate) async fn send_to(&self, queue_url: &str, body: &str, attributes: Attributes) -> String {
        let request = self.sqs.send_message().queue_url(queue_url).message_body(body);
        let sent = request
            .set_message_attributes(Some(attributes.into_iter().collect()))
            .send()
            .await
            .unwrap();
        sent.message_id.expect("SQS answers with the message's id")
    }

    /// Many at once, ten to a request.
    pub(crate) async fn send_bodies(&self, queue_url: &str, bodies: Vec<String>) {
        for ten in bodies.chunks(10) {
            let entries = ten.iter().enumerate().map(|(number, body)| {
                let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
                entry.message_body(body).build().unwrap()
            });
            let request = self.sqs.send_message_batch().queue_url(queue_url);
            let answer = request.set_entries(Some(entries.collect())).send().await.unwrap();
            assert!(answer.failed().is_empty(), "{answer:?}");
        }
    }

    /// To a FIFO queue.
    pub(crate) async fn send_in_group(&self, queue_url: &str, event: &Event, group: &str) {
        let request = self
            .sqs
            .send_message()
            .queue_url(queue_url)
            .message_body(event.to_json());
        request
            .message_group_id(group)
            .message_deduplication_id(event.id().to_string())
            .send()
            .await
            .unwrap();
    }

    /// A queue of a case's own; FIFO if it is said so.
    pub(crate) async fn create_queue(&self, attributes: &[(QueueAttributeName, &str)]) -> String {
        let is_fifo = attributes
            .iter()
            .any(|(name, _)| *name == QueueAttributeName::FifoQueue);
        let suffix = if is_fifo { ".fifo" } else { "" };
        let mut request = self
            .sqs
            .create_queue()
            .queue_name(format!("{}{suffix}", unique("queue")));
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        request.send().await.unwrap().queue_url.unwrap()
    }

    async fn publish_to_sns(&self, topic: &str, event: &Event) {
        let text = |value: &str| {
            aws_sdk_sns::types::MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .unwrap()
        };
        self.sns
            .publish()
            .topic_arn(self.deployment.output(topic))
            .message(event.to_json())
            .message_attributes("EventType", text(event.event_type()))
            .message_attributes("AggregateType", text(event.aggregate().kind()))
            .send()
            .await
            .unwrap();
    }

    async fn put_on_event_bridge(&self, event: &Event) {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(self.deployment.output("EventBusName"))
            .source(self.deployment.output("OutsideEventSource"))
            .detail_type(event.event_type())
            .detail(event.to_json())
            .build();
        let answer = self.event_bridge.put_events().entries(entry).send().await.unwrap();
        assert_eq!(answer.failed_entry_count, 0, "{answer:?}");
    }

    // ------------------------------------------------------------ what shows

    /// What the ledger has about an event.
    pub(crate) async fn ledger_row(&self, event: &Event) -> Option<Item> {
        let key = [("pk", format!("{LEDGER_PREFIX}{}", event.id()))];
        self.row(self.deployment.output("LedgerTableName"), &key).await
    }

    /// What the view shows of an order.
    pub(crate) async fn order(&self, order_id: &str) -> Option<Item> {
        let key = [("pk", format!("order#{order_id}")), ("sk", "summary".to_owned())];
        self.row(self.deployment.output("ViewsTableName"), &key).await
    }

    /// A row, read consistently.
    pub(crate) async fn row(&self, table: &str, key: &[(&str, String)]) -> Option<Item> {
        let key = key
            .iter()
            .map(|(name, value)| ((*name).to_owned(), AttributeValue::S(value.clone())))
            .collect();
        let request = self
            .dynamodb
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true);
        request.send().await.unwrap().item.map(rows::item)
    }

    /// Whether an event in this table of events is still marked as one that has to leave.
    pub(crate) async fn is_pending(&self, table: &str, stream: &Aggregate, version: u64) -> bool {
        let request = self.dynamodb.get_item().table_name(table).consistent_read(true);
        let request = request.key("stream", AttributeValue::S(stream.to_string()));
        let request = request.key("version", AttributeValue::N(version.to_string()));
        request.send().await.unwrap().item.unwrap().contains_key(PENDING)
    }

    /// The ledger's row of the event, once it is handled.
    pub(crate) async fn handled(&self, event: &Event) -> Item {
        let awaited = format!("the ledger's row of {} {}", event.event_type(), event.id());
        eventually_some(&awaited, async || self.ledger_row(event).await).await
    }

    /// Returns when the consumer's queue is empty. Whatever was sent before has then met its end.
    pub(crate) async fn drained(&self) {
        self.drained_queue(self.deployment.output("ConsumerQueueUrl")).await;
    }

    pub(crate) async fn drained_queue(&self, queue_url: &str) {
        // Thousands of messages of all cases may be before one's own, on a machine that is busy with all of them.
        let patience = Patience {
            at_most: Duration::from_secs(900),
            ..Patience::default()
        };
        eventually_within(
            patience,
            "an empty queue",
            async || self.messages_in(queue_url).await,
            |messages| *messages == 0,
        )
        .await;
    }

    /// Messages that wait, are being handled, or will come back.
    pub(crate) async fn messages_in(&self, queue_url: &str) -> u32 {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        self.counts(queue_url, &counts).await.iter().sum()
    }

    /// The ARN of a queue.
    pub(crate) async fn queue_arn(&self, queue_url: &str) -> String {
        let arn = QueueAttributeName::QueueArn;
        let request = self.sqs.get_queue_attributes().queue_url(queue_url);
        let answer = request.attribute_names(arn.clone()).send().await.unwrap();
        answer.attributes.unwrap().remove(&arn).unwrap()
    }

    /// Where a topic delivers to, but for queues that cases made for themselves.
    pub(crate) async fn subscribers_of(&self, topic_arn: &str) -> Vec<String> {
        let pages = self.sns.list_subscriptions_by_topic().topic_arn(topic_arn);
        let pages = pages.into_paginator().items().send();
        let subscriptions = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        let endpoints = subscriptions.into_iter().filter_map(|each| each.endpoint);
        let is_of_a_case = |arn: &String| {
            arn.rsplit(':')
                .next()
                .is_some_and(|name| name.starts_with(QUEUE_OF_A_CASE))
        };
        endpoints.filter(|arn| !is_of_a_case(arn)).collect()
    }

    /// A FIFO queue that gets what the store publishes to its FIFO topic, each message as its event alone.
    pub(crate) async fn queue_behind_fifo_topic(&self) -> String {
        self.queue_behind("FifoTopicArn").await
    }

    /// A FIFO queue that gets what is published to a FIFO topic, by the topic's output.
    pub(crate) async fn queue_behind(&self, topic: &str) -> String {
        let fifo = [(QueueAttributeName::FifoQueue, "true")];
        let queue_url = self.create_queue(&fifo).await;
        self.sns
            .subscribe()
            .topic_arn(self.deployment.output(topic))
            .protocol("sqs")
            .endpoint(self.queue_arn(&queue_url).await)
            .attributes("RawMessageDelivery", "true")
            .send()
            .await
            .unwrap();
        queue_url
    }

    /// The bodies of all messages that wait in a queue, which are then gone from it.
    pub(crate) async fn take_bodies(&self, queue_url: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let some = self.take_some(queue_url).await;
            if some.is_empty() {
                return bodies;
            }
            bodies.extend(some);
        }
    }

    /// The bodies of up to ten messages that wait in a queue, which are then gone from it.
    pub(crate) async fn take_some(&self, queue_url: &str) -> Vec<String> {
        let request = self
            .sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10);
        let received = request.send().await.unwrap().messages.unwrap_or_default();
        let entries = received.iter().enumerate().map(|(number, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            let receipt = message.receipt_handle.clone().unwrap_or_default();
            entry.receipt_handle(receipt).build().unwrap()
        });
        let entries: Vec<_> = entries.collect();
        if !entries.is_empty() {
            let delete = self.sqs.delete_message_batch().queue_url(queue_url);
            let answer = delete.set_entries(Some(entries)).send().await.unwrap();
            assert!(answer.failed().is_empty(), "{answer:?}");
        }
        received.into_iter().filter_map(|message| message.body).collect()
    }

    /// One of a queue's counts.
    pub(crate) async fn count(&self, queue_url: &str, count: QueueAttributeName) -> u32 {
        self.counts(queue_url, &[count]).await[0]
    }

    async fn counts(&self, queue_url: &str, counts: &[QueueAttributeName]) -> Vec<u32> {
        let request = self
            .sqs
            .get_queue_attributes()
            .queue_url(queue_url)
            .set_attribute_names(Some(counts.to_vec()));
        let attributes = request.send().await.unwrap().attributes.unwrap_or_default();
        counts.iter().map(|count| attributes[count].parse().unwrap()).collect()
    }

    /// How many of the events are in the ledger.
    pub(crate) async fn count_handled(&self, events: &[Event]) -> usize {
        self.handled_of(events).await.len()
    }

    /// The ids of those events that are in the ledger.
    pub(crate) async fn handled_of(&self, events: &[Event]) -> HashSet<String> {
        let table = self.deployment.output("LedgerTableName");
        let mut handled = HashSet::new();
        for hundred in events.chunks(100) {
            let keys = hundred.iter().map(|event| {
                let key = format!("{LEDGER_PREFIX}{}", event.id());
                HashMap::from([("pk".to_owned(), AttributeValue::S(key))])
            });
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .consistent_read(true);
            let request = self
                .dynamodb
                .batch_get_item()
                .request_items(table, keys.build().unwrap());
            let answer = request.send().await.unwrap();
            assert!(
                answer.unprocessed_keys().is_none_or(HashMap::is_empty),
                "the rows are small"
            );
            let rows = answer
                .responses()
                .and_then(|rows| rows.get(table))
                .into_iter()
                .flatten();
            let ids = rows.filter_map(|row| row["pk"].as_s().ok()?.strip_prefix(LEDGER_PREFIX));
            handled.extend(ids.map(str::to_owned));
        }
        handled
    }

    /// Every row of a table.
    pub(crate) async fn all_rows(&self, table: &str) -> Vec<Item> {
        let pages = self
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let rows = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        rows.into_iter().map(rows::item).collect()
    }
}

/// A text attribute of an SQS message.
pub(crate) fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .unwrap()
}
