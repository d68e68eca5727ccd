//! The cart on cqrs-es and dynamo-es, used as their documentation shows.

#[path = "../../cart/cart.rs"]
mod cart;
#[path = "../../cart/task.rs"]
mod task;

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{EventStoreAggregateContext, PersistedEventRepository, PersistedEventStore};
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent, EventStore};
use dynamo_es::DynamoEventRepository;
use serde::{Deserialize, Serialize};

use crate::cart::{Cart, ItemsAdded};
use crate::task::{Answer, Task, Way};

/// dynamo-es refuses transactions of more than 25 actions.
const EVENTS_PER_COMMIT_MAX: usize = 25;
const SNAPSHOT_EVERY: usize = 100;
/// The waits of a writer that was too slow; onecommit's defaults.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// A command that has lost so often will never win.
const LOSSES_MAX: u32 = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum CartEvent {
    ItemsAdded(ItemsAdded),
}

impl DomainEvent for CartEvent {
    fn event_type(&self) -> String {
        "ItemsAdded".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Cart {
    const TYPE: &'static str = "Cart";
    /// The writer who adds something.
    type Command = u32;
    type Event = CartEvent;
    type Error = Infallible;
    type Services = ();

    async fn handle(&mut self, writer: u32, (): &(), sink: &EventSink<Self>) -> Result<(), Infallible> {
        sink.write(CartEvent::ItemsAdded(ItemsAdded::by(writer)), self).await;
        Ok(())
    }

    fn apply(&mut self, event: CartEvent) {
        let CartEvent::ItemsAdded(added) = event;
        self.add(&added);
    }
}

type Store = PersistedEventStore<DynamoEventRepository, Cart>;
type Failure = Box<dyn Error>;

struct Contestant {
    client: Client,
    events: String,
    snapshots: String,
}

/// One thread, as in a function that handles one message at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let contestant = Contestant {
        client: Client::new(&aws_config::load_from_env().await),
        events: env::var("EVENTS_TABLE_NAME")?,
        snapshots: env::var("SNAPSHOTS_TABLE_NAME")?,
    };
    while let Some(task) = task::next() {
        let answer = contestant.carry_out(task).await.unwrap_or_else(|error| Answer {
            problem: Some(error.to_string()),
            ..Answer::default()
        });
        task::answer(&answer);
    }
    Ok(())
}

impl Contestant {
    async fn carry_out(&self, task: Task) -> Result<Answer, Failure> {
        match task {
            Task::Seed {
                stream,
                events,
                snapshot_at,
            } => self.seed(&stream, events as usize, snapshot_at.unwrap_or(0) as usize).await,
            Task::Append { stream, events, times } => self.append(&stream, events, times).await,
            Task::Load { stream, way, times } => self.load(&stream, way, times).await,
            Task::Contend { stream, writers, times } => self.contend(&stream, writers, times).await,
        }
    }

    fn repository(&self) -> DynamoEventRepository {
        DynamoEventRepository::new(self.client.clone()).with_tables(&self.events, &self.snapshots)
    }

    fn store(&self) -> Store {
        PersistedEventStore::new_event_store(self.repository())
    }

    async fn seed(&self, stream: &str, events: usize, snapshot_at: usize) -> Result<Answer, Failure> {
        let store = self.store();
        // It takes the snapshot with the commit that brings the stream to a multiple of the size given.
        let taking_snapshot: Store = PersistedEventStore::new_snapshot_store(self.repository(), snapshot_at.max(1));
        let mut cart = Cart::default();
        while (cart.events as usize) < events {
            let sequence = cart.events as usize;
            let until = if sequence < snapshot_at { snapshot_at } else { events };
            let added = vec![CartEvent::ItemsAdded(ItemsAdded::by(0)); (until - sequence).min(EVENTS_PER_COMMIT_MAX - 1)];
            let context = context_at(stream, sequence, cart.clone());
            added.iter().for_each(|event| cart.apply(event.clone()));
            let is_snapshot = sequence < snapshot_at && cart.events as usize == snapshot_at;
            let store = if is_snapshot { &taking_snapshot } else { &store };
            store.commit(added, context, Default::default()).await?;
        }
        Ok(Answer::default())
    }

    async fn append(&self, stream: &str, events: usize, times: usize) -> Result<Answer, Failure> {
        let store = self.store();
        let mut answer = Answer::default();
        let mut sequence = 0;
        for _ in 0..times {
            let added = vec![CartEvent::ItemsAdded(ItemsAdded::by(0)); events];
            let started = Instant::now();
            for part in added.chunks(EVENTS_PER_COMMIT_MAX) {
                let context = context_at(stream, sequence, Cart::default());
                store.commit(part.to_vec(), context, Default::default()).await?;
                sequence += part.len();
            }
            answer.took(started);
        }
        answer.version = sequence as u64;
        Ok(answer)
    }

    async fn load(&self, stream: &str, way: Way, times: usize) -> Result<Answer, Failure> {
        let store: Store = match way {
            Way::Snapshot => PersistedEventStore::new_snapshot_store(self.repository(), SNAPSHOT_EVERY),
            Way::Events | Way::Pages => self.store(),
        };
        let repository = self.repository();
        let mut answer = Answer::default();
        for _ in 0..times {
            let started = Instant::now();
            let (cart, version) = if way == Way::Pages {
                load_by_pages(&repository, stream).await?
            } else {
                let context = store.load_aggregate(stream).await?;
                (context.aggregate, context.current_sequence)
            };
            answer.took(started);
            answer.events = cart.events;
            answer.version = version as u64;
            answer.by_writer = cart.by_writer;
        }
        Ok(answer)
    }

    async fn contend(&self, stream: &str, writers: u32, times: usize) -> Result<Answer, Failure> {
        let cqrs = Arc::new(CqrsFramework::new(self.store(), vec![], ()));
        let started_over = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (cqrs, started_over, stream) = (cqrs.clone(), started_over.clone(), stream.to_owned());
                tokio::spawn(async move {
                    let mut samples = Answer::default();
                    for _ in 0..times {
                        let started = Instant::now();
                        until_landed(&cqrs, &stream, writer, &started_over).await?;
                        samples.took(started);
                    }
                    Ok::<_, AggregateError<Infallible>>(samples.samples_ns)
                })
            })
            .collect();
        let mut answer = Answer::default();
        for task in tasks {
            answer.samples_ns.extend(task.await??);
        }
        answer.started_over = started_over.load(Ordering::Relaxed);
        Ok(answer)
    }
}

fn context_at(stream: &str, sequence: usize, aggregate: Cart) -> EventStoreAggregateContext<Cart> {
    EventStoreAggregateContext {
        aggregate_id: stream.to_owned(),
        aggregate,
        current_sequence: sequence,
        current_snapshot: None,
    }
}

async fn load_by_pages(repository: &DynamoEventRepository, stream: &str) -> Result<(Cart, usize), Failure> {
    let mut events = repository.stream_events::<Cart>(stream).await?;
    let (mut cart, mut sequence) = (Cart::default(), 0);
    while let Some(envelope) = events.next::<Cart>(&[]).await {
        let envelope = envelope?;
        sequence = envelope.sequence;
        cart.apply(envelope.payload);
    }
    Ok((cart, sequence))
}

/// The framework reports a lost race; trying again is left to the caller.
async fn until_landed(
    cqrs: &CqrsFramework<Cart, Store>,
    stream: &str,
    writer: u32,
    started_over: &AtomicU64,
) -> Result<(), AggregateError<Infallible>> {
    for losses in 0..LOSSES_MAX {
        match cqrs.execute(stream, writer).await {
            Err(AggregateError::AggregateConflict) => {
                started_over.fetch_add(1, Ordering::Relaxed);
                let ceiling = FIRST_WAIT.saturating_mul(1 << losses.min(16)).min(LONGEST_WAIT);
                tokio::time::sleep(ceiling.mul_f64(random_fraction())).await;
            }
            other => return other,
        }
    }
    Err(AggregateError::AggregateConflict)
}

/// From 0 to 1, from the keys the standard library makes for each of its hash maps.
fn random_fraction() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
