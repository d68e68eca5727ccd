//! What was committed goes out, whatever happens on the way.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use onecommit_aws::DynamoDb;
use onecommit_aws::PublisherConfig;
use onecommit_aws::SqsQueue;
use onecommit_config::Reader;
use onecommit_engine::{Deadline, EventLog, PENDING, Table, TableWriter};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use onecommit_event_store::EventStore;
use onecommit_relay::Relay;
use serde::{Deserialize, Serialize};
use storefront_orders::OrderCreated;
use tokio::sync::Notify;

use super::database::create_events_table;
use crate::aws::Aws;
use crate::events::{order_created, unique};
use crate::patience::{eventually, eventually_some};
use crate::processes::kill_function;
use crate::replies::Replies;

const STREAMS: usize = 50;
const EVENTS_PER_STREAM: u64 = 100;
/// So many of a stream are appended at once, so that a batch of the table's stream holds events of several streams.
const APPENDED_AT_ONCE: u64 = 10;
const KILLS: u64 = 5;

#[derive(Serialize, Deserialize)]
struct Counted {}

impl Payload for Counted {
    const EVENT_TYPE: &'static str = "Counted";
}

fn events_of(aws: &Aws) -> EventLog {
    EventLog::new(Table::new(aws.deployment.output("EventsTableName"))).with_pending_marks()
}

fn store(aws: &Aws, log: EventLog) -> EventStore {
    let database = Arc::new(DynamoDb::new(&aws.session));
    EventStore::new(database, log, Environment::system())
}

/// Some order that somebody placed, as the first event of a stream of its own.
async fn append_order(store: &EventStore) -> Event {
    let order = order_created().decode::<OrderCreated>().unwrap();
    let new = NewEvent::of(order.payload()).unwrap();
    let metadata = Metadata::starting(unique("request"));
    let appended = store.append(order.aggregate(), 0, vec![new], &metadata).await.unwrap();
    appended.into_iter().next().unwrap()
}

pub(super) async fn what_was_appended_is_published_and_pending_no_more() {
    let aws = Aws::connect();
    let published = Replies::from_now_on(&aws).await;
    let event = append_order(&store(&aws, events_of(&aws))).await;
    published.event(&event).await;
    let pending = async || {
        aws.is_pending(events_of(&aws).table().name(), event.aggregate(), 1)
            .await
    };
    eventually("the mark to be cleared", pending, |pending| !pending).await;
}

pub(super) async fn what_never_left_is_found_without_the_stream() {
    let aws = Aws::connect();
    let published = Replies::from_now_on(&aws).await;
    // A table that no relay listens to.
    let log = EventLog::new(create_events_table(&aws).await).with_pending_marks();
    let event = append_order(&store(&aws, log.clone())).await;
    let outputs = ["EventsTopicArn", "FifoTopicArn", "EventBusName"].map(|name| aws.deployment.output(name));
    let variables = [
        ("EVENTS_TOPIC_ARN", outputs[0]),
        ("FIFO_TOPIC_ARN", outputs[1]),
        ("EVENT_BUS_NAME", outputs[2]),
        ("EVENT_SOURCE", "shop.orders"),
    ];
    let mut reader = Reader::new(&variables);
    let publisher = PublisherConfig::read(&mut reader).publisher(&aws.session, Environment::system());
    reader.finish().unwrap();
    let database = Arc::new(DynamoDb::new(&aws.session));
    let dead_letters = SqsQueue::new(aws.session.clone(), String::new(), aws.create_queue(&[]).await);
    let relay = Relay::new(
        database.clone(),
        log.clone(),
        publisher,
        Arc::new(dead_letters),
        Environment::system(),
    );
    let recover = async || relay.recover(Duration::ZERO, Deadline::none()).await.unwrap().found;
    eventually("the event to be found", recover, |found| *found == 1).await;
    published.event(&event).await;
    assert!(!aws.is_pending(log.table().name(), event.aggregate(), 1).await);
}

pub(super) async fn a_row_that_holds_no_event_is_parked_and_what_follows_leaves() {
    let aws = Aws::connect();
    let published = Replies::from_now_on(&aws).await;
    let log = events_of(&aws);
    let stream = Aggregate::new("Order", unique("ord")).unwrap();
    // With the mark of a row that has not left: to a process that starts later, one without it has.
    let row = [
        ("event", "{broken"),
        ("timestamp", "2026-01-01T00:00:00.000Z"),
        (PENDING, "shard-0"),
    ];
    let row = row.map(|(name, value)| (name.to_owned(), value.into()));
    let put = log.table().put(EventLog::key(&stream, 1), row);
    DynamoDb::new(&aws.session).write(&put.into()).await.unwrap();
    let order = order_created().decode::<OrderCreated>().unwrap();
    let new = NewEvent::of(order.payload()).unwrap();
    let metadata = Metadata::starting(unique("request"));
    let followed = store(&aws, log).append(&stream, 1, vec![new], &metadata).await.unwrap();
    published.event(&followed[0]).await;
    let parked = async || {
        let parked = aws.take_bodies(aws.deployment.output("RelayDlqUrl")).await;
        parked.into_iter().find(|body| body.contains(stream.id()))
    };
    let parked = eventually_some("the row in the relay's dead-letter queue", parked).await;
    assert!(parked.contains("{broken"), "{parked}");
}

pub(super) async fn five_thousand_events_leave_in_order_though_the_relay_is_killed_in_the_middle() {
    let aws = Aws::connect();
    let queue_url = aws.queue_behind_fifo_topic().await;
    let kind = unique("Counter").replace('-', "");
    let streams: Vec<Aggregate> = (0..STREAMS)
        .map(|number| Aggregate::new(&kind, number.to_string()).unwrap())
        .collect();
    let store = store(&aws, events_of(&aws));
    // What is appended after a kill can only be published by a process that started after it, and can be killed next.
    let chunks = EVENTS_PER_STREAM / APPENDED_AT_ONCE;
    let stage_of = |version: u64| (version - 1) / APPENDED_AT_ONCE * (KILLS + 1) / chunks;
    let (killed, was_killed) = (Cell::new(0), Notify::new());
    let story = async {
        for expected in (0..EVENTS_PER_STREAM).step_by(APPENDED_AT_ONCE as usize) {
            while killed.get() < stage_of(expected + 1) {
                was_killed.notified().await;
            }
            for stream in &streams {
                let event = || NewEvent::of(&Counted {}).unwrap();
                let events = (0..APPENDED_AT_ONCE).map(|_| event()).collect();
                let metadata = Metadata::starting("count");
                store.append(stream, expected, events, &metadata).await.unwrap();
            }
        }
    };
    let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
    let collecting = async {
        let all = STREAMS * EVENTS_PER_STREAM as usize;
        let more = async || aws.take_some(&queue_url).await;
        let mut count = 0;
        while count < all {
            let bodies = eventually("more events", &more, |bodies: &Vec<String>| !bodies.is_empty()).await;
            let mut newest = None;
            for body in bodies {
                let event = Event::from_json(&body).unwrap();
                if event.aggregate().kind() == kind {
                    let of_stream = seen.entry(event.aggregate().id().to_owned()).or_default();
                    let version = event.metadata().sequence.unwrap();
                    newest = newest.max(Some(version));
                    // A crash leaves open what left before it; consumers absorb what comes again.
                    if !of_stream.contains(&version) {
                        of_stream.push(version);
                        count += 1;
                    }
                }
            }
            let is_its_work = killed.get() < KILLS && newest.is_some_and(|version| stage_of(version) >= killed.get());
            if is_its_work && kill_function(aws.deployment.output("RelayFunctionName")) > 0 {
                killed.set(killed.get() + 1);
                was_killed.notify_one();
            }
        }
    };
    futures_util::future::join(story, collecting).await;
    assert_eq!(killed.get(), KILLS);
    let expected: Vec<u64> = (1..=EVENTS_PER_STREAM).collect();
    let out_of_order = seen.iter().find(|(_, versions)| **versions != expected);
    assert_eq!(out_of_order, None);
    assert_eq!(seen.len(), STREAMS);
}
