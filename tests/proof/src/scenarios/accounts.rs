//! Two clerks and one account: it is never overdrawn, and what a clerk was told is there.

use std::time::Duration;

use onecommit_engine::EventLog;
use onecommit_event::{Aggregate, Event, Metadata};
use onecommit_event_store::{Decider, DomainEvent, EventStore, ExecuteError, SnapshotPolicy, Snapshots, domain_events};
use onecommit_simulation::{Process, Scenario, World};
use serde::{Deserialize, Serialize};

use super::copies::{events_of, store_of};
use super::expect;
use super::payloads::payloads;

payloads! {
    Deposited { amount: i64, by: String }
    Withdrawn { amount: i64, by: String }
}

domain_events! {
    /// What happens to the account.
    pub(crate) enum AccountEvent { Deposited(Deposited), Withdrawn(Withdrawn) }
}

/// An account that cannot be overdrawn.
pub(crate) struct Account;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Balance(i64);

impl Snapshots for Balance {
    const POLICY: SnapshotPolicy = SnapshotPolicy {
        every_events: 2,
        state_schema: 1,
    };
}

/// Puts in when positive, takes out when negative.
pub(crate) struct Command {
    amount: i64,
    by: String,
}

impl Decider for Account {
    const AGGREGATE_TYPE: &'static str = "Account";
    type State = Balance;
    type Command = Command;
    type Event = AccountEvent;
    type Rejection = ();

    fn decide(state: &Balance, command: &Command) -> Result<Vec<AccountEvent>, ()> {
        let (amount, by) = (command.amount, command.by.clone());
        if amount >= 0 {
            return Ok(vec![Deposited { amount, by }.into()]);
        }
        if state.0 + amount < 0 {
            return Err(());
        }
        Ok(vec![Withdrawn { amount: -amount, by }.into()])
    }

    fn evolve(state: Balance, event: &AccountEvent) -> Balance {
        Balance(match event {
            AccountEvent::Deposited(deposit) => state.0 + deposit.amount,
            AccountEvent::Withdrawn(withdrawal) => state.0 - withdrawal.amount,
        })
    }
}

/// Clerks who read from a snapshot or from all events.
pub(crate) struct Accounts {
    pub(crate) from_snapshots: bool,
}

const STREAM: &str = "Account#acc";
/// Enough for one of two withdrawals.
const AT_FIRST: i64 = 10;

/// Asks until there is an answer, each time in the name of another try: what was tried before may have happened.
async fn clerk(process: Process, log: EventLog, name: &'static str, from_snapshots: bool) {
    let store = store_of(&process, log);
    let Ok(stream) = Aggregate::new("Account", "acc") else {
        return;
    };
    let mut told_version = 0;
    for (number, amount) in [3, -9, 2].into_iter().enumerate() {
        for attempt in 1.. {
            let by = format!("{name}-{number}-{}-{attempt}", process.incarnation());
            let command = Command { amount, by };
            let answer = if from_snapshots {
                by_snapshot(&store, &stream, &command).await
            } else {
                by_events(&store, &stream, &command).await
            };
            match answer {
                Answer::Done(version) => {
                    process.note(command.by);
                    told_version = version;
                }
                Answer::Refused => {}
                Answer::Unknown => {
                    process.environment().clock().sleep(Duration::from_secs(1)).await;
                    continue;
                }
            }
            break;
        }
    }
    // Whoever was told sees what it was told of, however it looks.
    let from_events = store.load::<Account>(&stream).await.map(|loaded| loaded.version);
    let from_snapshot = store.load_from_snapshot::<Account>(&stream).await;
    let from_snapshot = from_snapshot.map(|loaded| loaded.version);
    for version in [from_events, from_snapshot].into_iter().flatten() {
        if version < told_version {
            process.note(format!("{BEHIND} {version} after {told_version}"));
        }
    }
}

const BEHIND: &str = "a clerk was shown version";

enum Answer {
    /// And which version came of it.
    Done(u64),
    Refused,
    Unknown,
}

async fn by_events(store: &EventStore, stream: &Aggregate, command: &Command) -> Answer {
    let metadata = Metadata::caused_by("counter", command.by.clone());
    match store.execute::<Account>(stream, command, &metadata).await {
        Ok(events) => done(&events),
        Err(ExecuteError::Rejected(())) => Answer::Refused,
        Err(_) => Answer::Unknown,
    }
}

fn done(events: &[Event]) -> Answer {
    let last = events.last().and_then(|event| event.metadata().sequence);
    Answer::Done(last.unwrap_or(0))
}

async fn by_snapshot(store: &EventStore, stream: &Aggregate, command: &Command) -> Answer {
    let metadata = Metadata::caused_by("counter", command.by.clone());
    let Ok(loaded) = store.load_from_snapshot::<Account>(stream).await else {
        return Answer::Unknown;
    };
    let Ok(events) = Account::decide(&loaded.state, command) else {
        return Answer::Refused;
    };
    let Ok(new) = events.iter().map(DomainEvent::to_new).collect() else {
        return Answer::Unknown;
    };
    match store.append(stream, loaded.version, new, &metadata).await {
        Ok(events) => done(&events),
        Err(_) => Answer::Unknown,
    }
}

impl Scenario for Accounts {
    fn name(&self) -> &str {
        if self.from_snapshots {
            "an account, read from snapshots"
        } else {
            "an account, read from its events"
        }
    }

    fn set_up(&self, world: &mut World) {
        // As if every event were large.
        world.tables().end_pages_after(2);
        for name in ["ada", "bob"] {
            let (log, from_snapshots) = (world.event_log(), self.from_snapshots);
            world.process(&format!("clerk/{name}"), move |process| {
                clerk(process, log.clone(), name, from_snapshots)
            });
        }
        for version in 1..=2 {
            let deposited = world.event(
                "Account",
                "acc",
                Deposited {
                    amount: AT_FIRST / 2,
                    by: format!("opening-{version}"),
                },
            );
            let metadata = Metadata {
                sequence: Some(version),
                ..deposited.metadata().clone()
            };
            world.insert(world.event_log().put(&deposited.with_metadata(metadata)));
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let (mut balance, mut who) = (Balance::default(), Vec::new());
        for (place, event) in events_of(world, STREAM).enumerate() {
            let known = decoded(&event)?;
            match &known {
                AccountEvent::Deposited(Deposited { by, .. }) | AccountEvent::Withdrawn(Withdrawn { by, .. }) => {
                    who.push(by.clone());
                }
            }
            expect("version", &Some(place as u64 + 1), &event.metadata().sequence)?;
            balance = Account::evolve(balance, &known);
            if balance.0 < 0 {
                return Err(format!("overdrawn by {} after {} events", -balance.0, place + 1));
            }
        }
        for told in world.notes() {
            if told.starts_with(BEHIND) {
                return Err(told);
            }
            let times = who.iter().filter(|by| **by == told).count();
            expect(&format!("how often there is what {told} was told"), &1, &times)?;
        }
        // Nobody asks twice for one and the same: what was appended is there once, whatever the asker was told.
        let all = who.len();
        who.sort();
        who.dedup();
        expect("what happened twice", &0, &(all - who.len()))
    }
}

fn decoded(event: &Event) -> Result<AccountEvent, String> {
    let known = AccountEvent::from_stored(event).map_err(|error| error.to_string())?;
    known.ok_or_else(|| format!("{} is in the stream", event.event_type()))
}
