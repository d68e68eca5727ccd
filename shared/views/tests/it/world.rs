//! Accounts whose events are stored and delivered, and two views of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Commit, Condition, Consumer, Deadline, Delivery, EventLog, Failure, Item, Ledger, RetryingTables, SequencedUpdate,
    Settings, Table, TableReader, TableWriter, Tables, UnknownEventTypes, Value, Verdict,
};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use onecommit_event_store::EventStore;
use onecommit_testing::{MemoryDatabase, VirtualClock, delivery_of};
use onecommit_views::{
    EngineFactory, Projector, REFRESH, Rebuild, RebuildSettings, ViewControl, ViewDefinition, ViewName, ViewReader,
    ViewRows,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deposited {
    pub(crate) amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Closed {}

impl Payload for Closed {
    const EVENT_TYPE: &'static str = "Closed";
}

/// One row per account, by sequence.
pub(crate) struct Balances;

impl ViewDefinition for Balances {
    fn name(&self) -> &str {
        "balances"
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        let of_closed = rows.clone();
        consumer
            .sequenced(move |event: &Event<Deposited>| -> Result<SequencedUpdate, Failure> {
                let row = rows.update(event.aggregate().id(), "balance");
                Ok(SequencedUpdate::accumulating(
                    row.add("balance", event.payload().amount),
                ))
            })
            .sequenced(move |event: &Event<Closed>| -> Result<SequencedUpdate, Failure> {
                let row = of_closed.update(event.aggregate().id(), "balance");
                Ok(SequencedUpdate::accumulating(row.set("closed", true)))
            })
    }
}

/// One row for each amount: how often it was deposited. Deposits of 13 bring bad luck until somebody is brave.
pub(crate) struct Amounts {
    pub(crate) takes_13: bool,
}

impl ViewDefinition for Amounts {
    fn name(&self) -> &str {
        "amounts"
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        let takes_13 = self.takes_13;
        consumer.atomic(move |event: Event<Deposited>| {
            let amount = event.payload().amount;
            let commit = if amount == 13 && !takes_13 {
                Err(Failure::reject("thirteen"))
            } else {
                Ok(Commit::of(rows.update(&amount.to_string(), "count").add("count", 1)))
            };
            async move { commit }
        })
    }
}

pub(crate) const AMOUNTS: Amounts = Amounts { takes_13: true };

/// Tables, a clock, and what works on them.
pub(crate) struct World {
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) environment: Environment,
    pub(crate) store: EventStore,
}

const VIEWS: &str = "views";

impl World {
    pub(crate) fn new() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(seed)));
        let database: Arc<MemoryDatabase> = Arc::default();
        let store = EventStore::new(database.clone(), log(), environment.clone());
        Self {
            database,
            environment,
            store,
        }
    }

    // ------------------------------------------------------------ events

    /// Stores an event at the end of an account.
    pub(crate) async fn store<P: Payload>(&self, account: &str, payload: P) -> Event {
        let new = NewEvent::of(&payload).unwrap();
        self.store_new(account, new).await
    }

    pub(crate) async fn store_new(&self, account: &str, new: NewEvent) -> Event {
        let stream = Aggregate::new("Account", account).unwrap();
        let version = self.store.version(&stream).await.unwrap();
        let metadata = Metadata::starting("test");
        let stored = self.store.append(&stream, version, vec![new], &metadata).await.unwrap();
        stored.into_iter().next().unwrap()
    }

    pub(crate) async fn deposit(&self, account: &str, amount: i64) -> Event {
        self.store(account, Deposited { amount }).await
    }

    /// Some accounts with some deposits each, the last of them closed.
    pub(crate) async fn history(&self, accounts: u32, deposits: i64) -> Vec<Event> {
        let mut events = Vec::new();
        for account in 0..accounts {
            for amount in 1..=deposits {
                events.push(self.deposit(&format!("acc_{account}"), amount).await);
            }
        }
        let last = format!("acc_{}", accounts - 1);
        events.push(self.store(&last, Closed {}).await);
        events
    }

    // ------------------------------------------------------------ what works

    pub(crate) fn engines(&self) -> EngineFactory {
        self.engines_on(self.database.clone())
    }

    pub(crate) fn engines_on(&self, database: Arc<dyn TableWriter>) -> EngineFactory {
        let settings = Settings::default().unknown_event_types(UnknownEventTypes::Park);
        EngineFactory::new(database, Ledger::new(Table::new("ledger")), self.environment.clone()).with(settings)
    }

    pub(crate) fn control(&self) -> ViewControl {
        self.control_on(self.database.clone())
    }

    pub(crate) fn control_on(&self, tables: Arc<dyn Tables>) -> ViewControl {
        let tables = Arc::new(RetryingTables::of(tables, self.environment.clone()));
        ViewControl::new(tables, Table::new(VIEWS), self.environment.clone())
    }

    pub(crate) fn projector(&self) -> Projector {
        self.projector_of(vec![Arc::new(Balances), Arc::new(AMOUNTS)])
    }

    pub(crate) fn projector_of(&self, views: Vec<Arc<dyn ViewDefinition>>) -> Projector {
        Projector::new(views, self.engines(), self.control(), REFRESH).unwrap()
    }

    pub(crate) fn rebuild(&self, view: impl ViewDefinition + 'static) -> Rebuild {
        let rebuild = Rebuild::new(Arc::new(view), self.engines(), self.control(), log()).unwrap();
        rebuild.with(small_steps())
    }

    pub(crate) fn reader(&self, view: &str) -> ViewReader {
        ViewReader::new(name(view), self.control(), REFRESH)
    }

    pub(crate) async fn wait(&self, duration: Duration) {
        self.environment.clock().sleep(duration).await;
    }

    // ------------------------------------------------------------ what shows

    /// The rows of a generation by their keys without the generation, whatever order the writes had.
    pub(crate) async fn rows_of(&self, view: &str, generation: u64) -> BTreeMap<String, Item> {
        let prefix = format!("{view}@{generation}#");
        let scan = Table::new(VIEWS).scan().only(Condition::begins_with("pk", &prefix));
        let rows = self.database.scan(&scan).await.unwrap().rows;
        let without_prefix = |mut row: Item| {
            let Some(Value::String(key)) = row.remove("pk") else {
                panic!("{row:?}")
            };
            (key.strip_prefix(&prefix).unwrap().to_owned(), row)
        };
        rows.into_iter().map(without_prefix).collect()
    }

    /// What the view has to show, counted from the store by other means.
    pub(crate) async fn recount(&self) -> Recount {
        let (mut recount, mut replay) = (Recount::default(), self.store.replay());
        while let Some(event) = replay.next().await.unwrap() {
            let balance = recount.balances.entry(event.aggregate().id().to_owned()).or_default();
            balance.1 = event.metadata().sequence.unwrap();
            if let Ok(deposit) = event.decode::<Deposited>() {
                balance.0 += deposit.payload().amount;
                *recount.amounts.entry(deposit.payload().amount.to_string()).or_default() += 1;
            }
        }
        recount
    }

    pub(crate) async fn shown(&self, balances: u64, amounts: u64) -> Recount {
        let number = |row: &Item, name: &str| row.get(name).and_then(Value::as_i64).unwrap_or(0);
        let balances = self.rows_of("balances", balances).await;
        let amounts = self.rows_of("amounts", amounts).await;
        Recount {
            balances: balances
                .iter()
                .map(|(account, row)| (account.clone(), (number(row, "balance"), number(row, "seq") as u64)))
                .collect(),
            amounts: amounts
                .iter()
                .map(|(amount, row)| (amount.clone(), number(row, "count")))
                .collect(),
        }
    }
}

/// The balance of each account with the version of its last event, and how often each amount was deposited.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recount {
    pub(crate) balances: BTreeMap<String, (i64, u64)>,
    pub(crate) amounts: BTreeMap<String, i64>,
}

pub(crate) fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

pub(crate) fn name(view: &str) -> ViewName {
    ViewName::new(view).unwrap()
}

/// Many steps, so that there is much between two of them.
pub(crate) fn small_steps() -> RebuildSettings {
    RebuildSettings::default().events_at_once(3).rows_per_page(4)
}

pub(crate) fn deliveries(events: &[&Event]) -> Vec<Delivery> {
    let deliver = |(number, event): (usize, &&Event)| delivery_of(&format!("m-{number}"), event.to_json());
    events.iter().enumerate().map(deliver).collect()
}

pub(crate) async fn deliver(projector: &Projector, events: &[&Event]) -> Vec<Verdict> {
    projector.handle(&deliveries(events), Deadline::none()).await
}
