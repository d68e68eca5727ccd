//! The circuits of a process: its own or the fleet's, what is noted of them, and the end of an invocation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, EventLog, Table};
use onecommit_environment::{Environment, Timestamp};
use onecommit_resilience::fleet::{Circuits, FleetCircuit, FleetState, Report, Step, TableCircuits, Transition};
use onecommit_resilience::{Circuit, CircuitSettings, Failure, Noted, ProcessCircuits, Watch};
use onecommit_testing::MemoryDatabase;

use crate::common::{Trouble, virtual_environment};

const NAME: &str = "warehouse";
const SECOND: Duration = Duration::from_secs(1);

/// A table whose answers take so long.
#[derive(Clone)]
struct Slow {
    circuits: Arc<TableCircuits<MemoryDatabase>>,
    takes: Duration,
    environment: Environment,
}

impl Slow {
    fn new(takes: Duration) -> Self {
        let environment = virtual_environment();
        let log = EventLog::new(Table::new("events"));
        let table = Table::new("circuits");
        let circuits = TableCircuits::new(Arc::<MemoryDatabase>::default(), table, log, environment.clone());
        Self {
            circuits: Arc::new(circuits),
            takes,
            environment,
        }
    }

    fn process(&self) -> ProcessCircuits {
        ProcessCircuits::shared(Arc::new(self.clone()), self.environment.clone())
    }

    async fn pass(&self, time: Duration) {
        self.environment.clock().sleep(time).await;
    }

    /// How long this takes, on the virtual clock.
    async fn time_of(&self, work: impl Future<Output = ()>) -> Duration {
        let started = self.environment.clock().instant();
        work.await;
        self.environment.clock().instant() - started
    }
}

#[async_trait]
impl Circuits for Slow {
    async fn look(&self, circuit: &str) -> Result<FleetCircuit, DatabaseError> {
        self.pass(self.takes).await;
        self.circuits.look(circuit).await
    }

    async fn report(&self, circuit: &str, seen: &FleetCircuit, report: &Report) -> Result<Step, DatabaseError> {
        self.pass(self.takes).await;
        self.circuits.report(circuit, seen, report).await
    }

    async fn lease(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        until: Timestamp,
    ) -> Result<Step, DatabaseError> {
        self.pass(self.takes).await;
        self.circuits.lease(circuit, seen, number, owner, until).await
    }

    async fn succeed(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        needed: u32,
    ) -> Result<Step, DatabaseError> {
        self.pass(self.takes).await;
        self.circuits.succeed(circuit, seen, number, owner, needed).await
    }

    async fn change(&self, circuit: &str, seen: &FleetCircuit, transition: &Transition) -> Result<Step, DatabaseError> {
        self.pass(self.takes).await;
        self.circuits.change(circuit, seen, transition).await
    }
}

/// What was noted, and how often.
#[derive(Default)]
struct Notes(Mutex<BTreeMap<String, u32>>);

impl Watch for Notes {
    fn note(&self, circuit: &str, noted: Noted) {
        assert_eq!(circuit, NAME);
        *self.0.lock().unwrap().entry(format!("{noted:?}")).or_default() += 1;
    }
}

impl Notes {
    fn of(&self, noted: Noted) -> u32 {
        self.0
            .lock()
            .unwrap()
            .get(&format!("{noted:?}"))
            .copied()
            .unwrap_or_default()
    }
}

fn circuit_of(process: &ProcessCircuits) -> Circuit {
    process.circuit(NAME, CircuitSettings::default()).unwrap()
}

async fn fails(circuit: &Circuit) {
    let call = || async { Err::<(), _>(Trouble::Downstream(Failure::Unavailable(None))) };
    assert!(circuit.call(call).await.is_err());
}

async fn works(circuit: &Circuit) -> bool {
    circuit.call(|| async { Ok::<_, Trouble>(()) }).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_process_has_one_circuit_of_a_name_whether_it_is_shared_or_not() {
    let shared = Slow::new(Duration::ZERO).process();
    let local = ProcessCircuits::local(virtual_environment());
    assert!(shared.are_shared() && !local.are_shared());
    for process in [shared, local] {
        let (first, second) = (circuit_of(&process), circuit_of(&process.clone()));
        for _ in 0..5 {
            fails(&first).await;
        }
        assert!(!works(&second).await, "what one has seen, the other knows");
        assert!(process.circuit("", CircuitSettings::default()).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn each_change_of_the_fleets_circuit_is_noted_by_one_process() {
    let (fleet, notes) = (Slow::new(Duration::ZERO), Arc::<Notes>::default());
    let circuits: Vec<Circuit> = (0..3)
        .map(|_| circuit_of(&fleet.process().watched(notes.clone())))
        .collect();
    while fleet.circuits.look(NAME).await.unwrap().state == FleetState::Closed {
        for circuit in &circuits {
            fails(circuit).await;
        }
        fleet.pass(SECOND / 3).await;
    }
    fleet.pass(31 * SECOND).await;
    while fleet.circuits.look(NAME).await.unwrap().state != FleetState::Closed {
        for circuit in &circuits {
            works(circuit).await;
        }
        fleet.pass(SECOND).await;
    }
    for noted in [Noted::FleetOpened, Noted::FleetHalfOpened, Noted::FleetClosed] {
        assert_eq!(notes.of(noted), 1, "{noted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_circuit_is_not_closed_is_noted_once_in_five_seconds() {
    let (environment, notes) = (virtual_environment(), Arc::<Notes>::default());
    let circuit = circuit_of(&ProcessCircuits::local(environment.clone()).watched(notes.clone()));
    assert!(works(&circuit).await);
    for _ in 0..5 {
        fails(&circuit).await;
    }
    assert_eq!((notes.of(Noted::Opened), notes.of(Noted::NotClosed)), (1, 0));
    for _ in 0..200 {
        assert!(!works(&circuit).await);
        environment.clock().sleep(SECOND / 10).await;
    }
    assert_eq!(notes.of(Noted::NotClosed), 4, "20 s of refused calls");
    environment.clock().sleep(10 * SECOND).await;
    for _ in 0..3 {
        assert!(works(&circuit).await);
    }
    assert_eq!((notes.of(Noted::Closed), notes.of(Noted::NotClosed)), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_closed_circuit_waits_for_nothing_however_slow_its_table_is() {
    let fleet = Slow::new(3_600 * SECOND);
    let circuit = circuit_of(&fleet.process());
    for _ in 0..100 {
        let took = fleet.time_of(async { assert!(works(&circuit).await) }).await;
        assert_eq!(took, Duration::ZERO);
        fleet.pass(SECOND / 10).await;
    }
    // It does not answer: what this process has seen itself decides.
    for _ in 0..5 {
        fails(&circuit).await;
    }
    assert!(!works(&circuit).await);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_invocation_finishes_what_was_begun_and_begins_nothing() {
    let fleet = Slow::new(SECOND / 10);
    let forced = Transition::ForceOpen("operator".to_owned());
    fleet
        .circuits
        .change(NAME, &FleetCircuit::default(), &forced)
        .await
        .unwrap();
    let process = fleet.process();
    let circuit = circuit_of(&process);
    assert!(works(&circuit).await, "it has not looked yet");
    assert_eq!(fleet.time_of(process.clone().finish()).await, SECOND / 10);
    assert_eq!(circuit.seen().state, FleetState::ForcedOpen);
    fleet.pass(60 * SECOND).await;
    assert_eq!(fleet.time_of(process.finish()).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_invocation_does_not_wait_long_for_a_table_that_hangs() {
    let fleet = Slow::new(3_600 * SECOND);
    let process = fleet.process();
    assert!(works(&circuit_of(&process)).await);
    assert_eq!(fleet.time_of(process.finish()).await, SECOND / 4);
}
