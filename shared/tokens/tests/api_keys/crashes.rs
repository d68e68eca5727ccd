//! A process that ends at any point of a rotation: before the commit, after it, or while it waits for the answer.
//!
//! What has to hold afterwards: some key of the partner's works, each row has the events of its changes, and a key that was
//! rotated names one that is there. A sabotage that takes the commit apart is found by the same checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, EventLog, Table, TableWriter, Transaction, TransientKind, Write};
use onecommit_testing::{MemoryDatabase, SeededSecrets, SplitTables};
use onecommit_tokens::{ApiKey, ApiKeyError, ApiKeyId, ApiKeys, Rotation};

use super::fixture::*;

const OVERLAP: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// So many requests do not arrive.
    NotSent(usize),
    /// So many answers are lost.
    NoAnswer(usize),
    /// The sabotage: the writes of a transaction are made one by one, and the process ends after so many.
    TornAfter(usize),
}

struct Faulty {
    tables: Arc<MemoryDatabase>,
    fault: Fault,
    requests: AtomicUsize,
}

#[async_trait]
impl TableWriter for Faulty {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let no_answer = || DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
        match self.fault {
            Fault::NotSent(requests) if request < requests => Err(no_answer()),
            Fault::NoAnswer(answers) if request < answers => {
                self.tables.transact(transaction).await.and(Err(no_answer()))
            }
            Fault::NotSent(_) | Fault::NoAnswer(_) => self.tables.transact(transaction).await,
            Fault::TornAfter(writes) => {
                for write in transaction.writes.iter().take(writes) {
                    self.tables.write(write).await?;
                }
                std::future::pending().await
            }
        }
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.tables.write(write).await
    }
}

struct Partner {
    fixture: Fixture,
    old: ApiKey,
    id: ApiKeyId,
}

impl Partner {
    async fn new() -> Self {
        let fixture = Fixture::new();
        let (old, state) = fixture.created().await;
        let id = state.id;
        Self { fixture, old, id }
    }

    /// Rotates in a process that may end on the way; `None` when it did.
    async fn rotated(&self, fault: Fault) -> Option<Result<Rotation, ApiKeyError>> {
        let Fixture {
            tables, environment, ..
        } = &self.fixture;
        let writer = Faulty {
            tables: tables.clone(),
            fault,
            requests: AtomicUsize::new(0),
        };
        let reader = tables.clone();
        let log = EventLog::new(Table::new("events"));
        let keys = ApiKeys::new(
            Arc::new(SplitTables { writer, reader }),
            Table::new("keys"),
            log,
            environment.clone(),
        )
        .with_randomness(Arc::new(SeededSecrets::new(21)));
        let rotating = keys.rotate(&self.id, OVERLAP, OPERATOR);
        environment.within(Duration::from_secs(600), rotating).await
    }

    /// What does not hold of the tables, whatever happened.
    async fn broken(&self) -> Vec<String> {
        let fixture = &self.fixture;
        let mut broken = Vec::new();
        let (states, malformed) = fixture.keys.list().await.unwrap();
        if malformed > 0 {
            broken.push("a row is malformed".to_owned());
        }
        for state in &states {
            let events = fixture.events(state.id.as_str());
            if events.first().map(String::as_str) != Some("ApiKeyCreated") {
                broken.push(format!("a key without its creation: {events:?}"));
            }
            if state.rotated_to.is_some() != events.contains(&"ApiKeyRotated".to_owned()) {
                broken.push(format!("a rotation without its event, or the other way: {events:?}"));
            }
            let successor = state.rotated_to.as_ref();
            if successor.is_some_and(|id| !states.iter().any(|state| state.id == *id)) {
                broken.push("a successor that is not there".to_owned());
            }
        }
        broken
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_happens_once_or_not_at_all_wherever_the_process_ends() {
    let faults = (0..6).flat_map(|count| [Fault::NotSent(count), Fault::NoAnswer(count)]);
    for fault in faults {
        let partner = Partner::new().await;
        let rotation = partner.rotated(fault).await.unwrap();
        assert_eq!(partner.broken().await, Vec::<String>::new(), "{fault:?}");
        partner.fixture.accepted(&partner.old).await;
        let keys = partner.fixture.tables.count("keys");
        match rotation {
            Ok(rotation) => {
                assert_eq!(keys, 2, "{fault:?}");
                partner.fixture.accepted(&rotation.key).await;
            }
            // Whoever asked is told that it is not known, looks, and asks for what is still to be done.
            Err(error) => {
                assert!(matches!(error, ApiKeyError::Database(_)), "{fault:?}: {error}");
                let state = partner.fixture.keys.state(&partner.id).await.unwrap();
                let asked = state.rotated_to.unwrap_or(partner.id.clone());
                let rotation = partner.fixture.keys.rotate(&asked, OVERLAP, OPERATOR).await.unwrap();
                partner.fixture.accepted(&rotation.key).await;
                partner.fixture.accepted(&partner.old).await;
                assert_eq!(partner.broken().await, Vec::<String>::new(), "{fault:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_taken_apart_is_found() {
    let mut found = Vec::new();
    for writes in 0..=4 {
        let partner = Partner::new().await;
        assert!(partner.rotated(Fault::TornAfter(writes)).await.is_none());
        found.push(!partner.broken().await.is_empty());
    }
    assert_eq!(
        found,
        [false, true, true, true, false],
        "all but nothing and everything"
    );
}
