//! A circuit that two processes share, while their downstream fails and recovers for one of them later than for the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, EventLog, Item, Table, Value};
use onecommit_environment::Timestamp;
use onecommit_event::Payload;
use onecommit_resilience::fleet::{
    CircuitClosed, CircuitHalfOpened, CircuitOpened, Circuits as Port, FleetCircuit, FleetState, Report, Step,
    TableCircuits, Transition,
};
use onecommit_resilience::{Circuit, CircuitSettings, Classify, Failure, Stopped};
use onecommit_simulation::{EVENTS, Fault, Process, Scenario, SimulatedTables, World};

use super::{expect, number};

/// How the downstream is tried again.
#[derive(Clone, Copy)]
pub(crate) enum Circuits {
    /// By both at once: one succeeds, late, what the other has found to fail.
    ByBoth,
    /// By one at a time, who has to give the permit back for the next.
    OneByOne,
}

/// The table of circuits.
pub(crate) const CIRCUITS: &str = "circuits";
const NAME: &str = "catalog";
/// Until when the downstream fails for each of the two, and how long it takes to fail and to answer.
const PATHS: [Path; 2] = [
    Path {
        fails_for: Duration::from_secs(30),
        takes: Duration::from_secs(1),
    },
    Path {
        fails_for: Duration::from_secs(10),
        takes: Duration::from_secs(3),
    },
];
const BETWEEN_CALLS: Duration = Duration::from_millis(1_500);
/// By then the circuit has closed, unless it cannot.
const PATIENCE: Duration = Duration::from_secs(900);
const LEASE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy)]
struct Path {
    fails_for: Duration,
    takes: Duration,
}

struct Trouble(Failure);

impl Classify for Trouble {
    fn failure(&self) -> Failure {
        self.0
    }
}

impl From<Stopped> for Trouble {
    fn from(stopped: Stopped) -> Self {
        Self(stopped.failure())
    }
}

impl Circuits {
    fn settings(self) -> CircuitSettings {
        let (permits, successes) = match self {
            Self::ByBoth => (2, 1),
            Self::OneByOne => (1, 2),
        };
        CircuitSettings {
            consecutive_failures: 2,
            open_for: Duration::from_secs(10),
            permit_lease: LEASE,
            permits,
            successes,
            ..CircuitSettings::default()
        }
    }
}

/// Notes each change that this process knows to have made.
struct Noting {
    tables: TableCircuits<SimulatedTables>,
    process: Mutex<Process>,
}

#[async_trait]
impl Port for Noting {
    async fn look(&self, circuit: &str) -> Result<FleetCircuit, DatabaseError> {
        self.tables.look(circuit).await
    }

    async fn report(&self, circuit: &str, seen: &FleetCircuit, report: &Report) -> Result<Step, DatabaseError> {
        self.tables.report(circuit, seen, report).await
    }

    async fn lease(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        until: Timestamp,
    ) -> Result<Step, DatabaseError> {
        self.tables.lease(circuit, seen, number, owner, until).await
    }

    async fn succeed(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        needed: u32,
    ) -> Result<Step, DatabaseError> {
        self.tables.succeed(circuit, seen, number, owner, needed).await
    }

    async fn change(&self, circuit: &str, seen: &FleetCircuit, transition: &Transition) -> Result<Step, DatabaseError> {
        let step = self.tables.change(circuit, seen, transition).await?;
        if let Step::Done(after) = &step {
            let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
            process.note(format!("{CHANGED}{} {}", after.epoch, after.state.name()));
        }
        Ok(step)
    }
}

const CHANGED: &str = "changed to ";

/// Calls the downstream every now and then until the circuit has closed again.
async fn call(process: Process, settings: CircuitSettings, path: Path, opening: Timestamp) {
    let environment = process.environment();
    let tables = TableCircuits::new(
        process.tables(),
        Table::new(CIRCUITS),
        EventLog::new(Table::new(EVENTS)),
        environment.clone(),
    );
    let noting = Noting {
        tables,
        process: Mutex::new(process.clone()),
    };
    let Ok(circuit) = Circuit::shared(NAME, Arc::new(noting), settings, environment.clone()) else {
        return;
    };
    loop {
        let _ = circuit
            .call(|| async {
                let fails = environment.clock().now().since(opening) < path.fails_for;
                environment.clock().sleep(path.takes).await;
                if fails {
                    Err(Trouble(Failure::Unavailable(None)))
                } else {
                    Ok(())
                }
            })
            .await;
        let passed = environment.clock().now().since(opening);
        let seen = circuit.seen();
        let has_recovered = seen.state == FleetState::Closed && seen.epoch > 0;
        if passed > PATIENCE || (has_recovered && passed > Duration::from_secs(60)) {
            return;
        }
        environment.clock().sleep(BETWEEN_CALLS).await;
    }
}

impl Scenario for Circuits {
    fn name(&self) -> &str {
        match self {
            Self::ByBoth => "a circuit that two try again at once",
            Self::OneByOne => "a circuit that is tried one by one",
        }
    }

    /// Permits are leased against the clock of whoever wants to take one.
    fn faults(&self) -> &'static [Fault] {
        Fault::WITH_RIGHT_CLOCKS
    }

    fn set_up(&self, world: &mut World) {
        let opening = world.now();
        for (place, path) in (1..).zip(PATHS) {
            let settings = self.settings();
            world.process(&format!("caller/{place}"), move |process| {
                call(process, settings.clone(), path, opening)
            });
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let tables = world.tables().dump();
        let story: Vec<(u64, String)> = tables.get(EVENTS).into_iter().flatten().map(told).collect();
        is_a_story(&story)?;
        is_what_was_done(&story, &world.notes())?;
        let row = world.row(CIRCUITS, &[&format!("Circuit#{NAME}")]);
        let last = story.last().map_or(0, |(version, _)| *version);
        expect("epoch of the row", &(last as i64), &number(row.as_ref(), "epoch"))?;
        let state = row.as_ref().and_then(|row| row.get("state")).and_then(Value::as_str);
        expect("state in the end", &"closed", &state.unwrap_or("closed"))?;
        if Fault::ALL.iter().any(|fault| world.met(*fault)) {
            return Ok(());
        }
        // Nobody waits for the lease of a permit that was used.
        let took = time_half_open(&tables, last);
        if took >= LEASE {
            return Err(format!(
                "half-open for {} s: a permit was not given back",
                took.as_secs()
            ));
        }
        Ok(())
    }
}

fn text(row: &Item, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The version of an event, and the state that it tells of.
fn told(row: &Item) -> (u64, String) {
    let version = row.get("version").and_then(Value::as_u64).unwrap_or(0);
    let state = match text(row, "eventType").as_str() {
        CircuitOpened::EVENT_TYPE => "open",
        CircuitHalfOpened::EVENT_TYPE => "halfOpen",
        CircuitClosed::EVENT_TYPE => "closed",
        _ => "unknown",
    };
    (version, state.to_owned())
}

/// Versions without a gap, and each state after one that it may follow.
fn is_a_story(story: &[(u64, String)]) -> Result<(), String> {
    let mut before = "closed";
    for (expected, (version, state)) in (1..).zip(story) {
        expect("version", &expected, version)?;
        let follows = matches!(
            (before, state.as_str()),
            ("closed", "open") | ("open", "halfOpen") | ("halfOpen", "open" | "closed")
        );
        if !follows {
            return Err(format!("{state} at {version} follows {before}"));
        }
        before = state;
    }
    Ok(())
}

/// What a process was told that it has changed is what the stream says, and was told to no other.
fn is_what_was_done(story: &[(u64, String)], notes: &[String]) -> Result<(), String> {
    for note in notes {
        let Some((epoch, state)) = note.strip_prefix(CHANGED).and_then(|note| note.split_once(' ')) else {
            continue;
        };
        if notes.iter().filter(|other| *other == note).count() > 1 {
            return Err(format!("two processes have changed it to epoch {epoch}"));
        }
        let found = story.iter().find(|(version, _)| version.to_string() == epoch);
        expect(
            "state that was changed to",
            &Some(state),
            &found.map(|(_, state)| state.as_str()),
        )?;
    }
    Ok(())
}

/// How long it was half-open before the last event.
fn time_half_open(tables: &std::collections::BTreeMap<String, Vec<Item>>, last: u64) -> Duration {
    let at = |version: u64| {
        let rows = tables.get(EVENTS).into_iter().flatten();
        let mut found = rows.filter(|row| row.get("version").and_then(Value::as_u64) == Some(version));
        found
            .next()
            .and_then(|row| Timestamp::parse(&text(row, "timestamp")).ok())
    };
    match (at(last), at(last.saturating_sub(1))) {
        (Some(closed), Some(half_open)) => closed.since(half_open),
        _ => Duration::ZERO,
    }
}
