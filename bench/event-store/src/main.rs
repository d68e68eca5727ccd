//! The cart on onecommit's event store, used as its documentation shows.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark runs on the real clock, with ids nobody has to repeat"
)]

#[path = "../../contestants/cart/cart.rs"]
mod cart;
mod domain;
#[path = "../../contestants/cart/task.rs"]
mod task;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use onecommit_aws::DynamoDb;
use onecommit_aws::Session;
use onecommit_config::{Process, Reader, Setting};
use onecommit_engine::{EventLog, Table};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Metadata, NewEvent};
use onecommit_event_store::{AppendError, Decider, EventStore, ExecuteError};

use crate::cart::ItemsAdded;
use crate::domain::Carts;
use crate::task::{Answer, Task, Way};

const EVENTS_TABLE: Setting = Setting::required("EVENTS_TABLE_NAME", "Table of the streams");
/// As many as fit into one transaction.
const SEEDED_AT_ONCE: u64 = 100;

struct Contestant {
    store: Arc<EventStore>,
}

/// One thread, as in a function that handles one message at a time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut reader = Reader::new(&Process);
    let session = Session::read(&mut reader);
    let log = EventLog::new(Table::new(reader.text(&EVENTS_TABLE)));
    reader.finish()?;
    let database = Arc::new(DynamoDb::new(&session));
    let store = EventStore::new(database, log, Environment::system());
    let contestant = Contestant { store: Arc::new(store) };
    while let Some(task) = task::next() {
        let answer = contestant.carry_out(task).await.unwrap_or_else(|error| Answer {
            problem: Some(format!("{error:#}")),
            ..Answer::default()
        });
        task::answer(&answer);
    }
    Ok(())
}

impl Contestant {
    async fn carry_out(&self, task: Task) -> Result<Answer> {
        match task {
            Task::Seed {
                stream,
                events,
                snapshot_at,
            } => self.seed(&named(&stream)?, events, snapshot_at.unwrap_or(0)).await,
            Task::Append { stream, events, times } => self.append(&named(&stream)?, events, times).await,
            Task::Load { stream, way, times } => self.load(&named(&stream)?, way, times).await,
            Task::Contend { stream, writers, times } => self.contend(&named(&stream)?, writers, times).await,
        }
    }

    async fn seed(&self, stream: &Aggregate, events: u64, snapshot_at: u64) -> Result<Answer> {
        let mut version = 0;
        while version < events {
            let until = if version < snapshot_at { snapshot_at } else { events };
            let added = (until - version).min(SEEDED_AT_ONCE);
            let new = added_by(0, added as usize)?;
            self.store.append(stream, version, new, &cause()).await?;
            version += added;
            if version == snapshot_at {
                self.store.load_from_snapshot::<Carts>(stream).await?;
            }
        }
        Ok(Answer::default())
    }

    async fn append(&self, stream: &Aggregate, events: usize, times: usize) -> Result<Answer> {
        let mut answer = Answer::default();
        for _ in 0..times {
            let started = Instant::now();
            let new = added_by(0, events)?;
            self.store.append(stream, answer.version, new, &cause()).await?;
            answer.took(started);
            answer.version += events as u64;
        }
        Ok(answer)
    }

    async fn load(&self, stream: &Aggregate, way: Way, times: usize) -> Result<Answer> {
        let mut answer = Answer::default();
        for _ in 0..times {
            let started = Instant::now();
            let loaded = match way {
                Way::Snapshot => self.store.load_from_snapshot::<Carts>(stream).await?,
                Way::Events | Way::Pages => self.store.load::<Carts>(stream).await?,
            };
            answer.took(started);
            answer.events = loaded.state.events;
            answer.version = loaded.version;
            answer.by_writer = loaded.state.by_writer;
        }
        Ok(answer)
    }

    async fn contend(&self, stream: &Aggregate, writers: u32, times: usize) -> Result<Answer> {
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (store, stream) = (self.store.clone(), stream.clone());
                tokio::spawn(async move {
                    let mut samples = Answer::default();
                    for _ in 0..times {
                        let started = Instant::now();
                        samples.started_over += until_landed(&store, &stream, writer).await?;
                        samples.took(started);
                    }
                    anyhow::Ok(samples)
                })
            })
            .collect();
        let mut answer = Answer::default();
        for task in tasks {
            let samples = task.await??;
            answer.samples_ns.extend(samples.samples_ns);
            answer.started_over += samples.started_over;
        }
        Ok(answer)
    }
}

fn named(stream: &str) -> Result<Aggregate> {
    Ok(Aggregate::new(Carts::AGGREGATE_TYPE, stream)?)
}

fn cause() -> Metadata {
    Metadata::starting("0192f0c1-5d3e-7a10-9c1f-2b7e4d6a8c90")
}

fn added_by(writer: u32, events: usize) -> Result<Vec<NewEvent>> {
    (0..events)
        .map(|_| Ok(NewEvent::of(&ItemsAdded::by(writer))?))
        .collect()
}

/// How often the store gave up before it landed.
async fn until_landed(store: &EventStore, stream: &Aggregate, writer: u32) -> Result<u64> {
    let mut given_up = 0;
    loop {
        match store.execute::<Carts>(stream, &writer, &cause()).await {
            Err(ExecuteError::Append(AppendError::VersionConflict { .. })) => given_up += 1,
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(given_up),
        }
    }
}
