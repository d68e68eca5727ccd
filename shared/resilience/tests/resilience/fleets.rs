//! The circuit that many processes share, on tables in memory.

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{DatabaseError, EventLog, Table, TransientKind};
use onecommit_environment::Environment;
use onecommit_resilience::fleet::{Circuits, FleetState, TableCircuits, Transition};
use onecommit_resilience::{Circuit, CircuitSettings, Failure, Stopped};
use onecommit_testing::MemoryDatabase;

use crate::common::{Trouble, virtual_environment};

const NAME: &str = "warehouse";
const SECOND: Duration = Duration::from_secs(1);

struct Fleet {
    environment: Environment,
    database: Arc<MemoryDatabase>,
    circuits: Arc<TableCircuits<MemoryDatabase>>,
}

impl Fleet {
    fn new() -> Self {
        let (environment, database) = (virtual_environment(), Arc::<MemoryDatabase>::default());
        let log = EventLog::new(Table::new("events"));
        let circuits = TableCircuits::new(Arc::clone(&database), Table::new("circuits"), log, environment.clone());
        Self {
            environment,
            database,
            circuits: Arc::new(circuits),
        }
    }

    fn process(&self) -> Circuit {
        self.process_with(CircuitSettings::default())
    }

    fn process_with(&self, settings: CircuitSettings) -> Circuit {
        let circuits: Arc<dyn Circuits> = self.circuits.clone();
        Circuit::shared(NAME, circuits, settings, self.environment.clone()).unwrap()
    }

    fn processes(&self, count: usize) -> Vec<Circuit> {
        (0..count).map(|_| self.process()).collect()
    }

    async fn pass(&self, time: Duration) {
        self.environment.clock().sleep(time).await;
    }

    async fn state(&self) -> FleetState {
        self.circuits.look(NAME).await.unwrap().state
    }

    /// The types of the events in the circuit's stream, in order.
    fn story(&self) -> Vec<String> {
        let rows = self.database.dump().remove("events").unwrap_or_default();
        let event_type = |row: &onecommit_engine::Item| row["eventType"].as_str().unwrap().replace("Circuit", "");
        rows.iter().map(event_type).collect()
    }

    /// Opens the fleet's circuit through two processes that fail.
    async fn opened(&self) -> [Circuit; 2] {
        let processes = [self.process(), self.process()];
        while self.state().await == FleetState::Closed {
            for process in &processes {
                let _ = fails(process).await;
            }
            self.pass(Duration::from_millis(300)).await;
        }
        processes
    }
}

async fn fails(circuit: &Circuit) -> Result<(), Trouble> {
    circuit
        .call(|| async { Err(Trouble::Downstream(Failure::Unavailable(None))) })
        .await
}

async fn works(circuit: &Circuit) -> Result<(), Trouble> {
    circuit.call(|| async { Ok(()) }).await
}

fn is_refused(result: &Result<(), Trouble>) -> bool {
    matches!(result, Err(Trouble::Stopped(Stopped::CircuitOpen(..))))
}

fn down() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "down".into())
}

#[tokio::test(start_paused = true)]
async fn failures_of_fifty_processes_add_up() {
    let fleet = Fleet::new();
    let processes = fleet.processes(50);
    let mut reached = 0;
    for _ in 0..10 {
        for process in &processes {
            reached += u32::from(!is_refused(&fails(process).await));
        }
        fleet.pass(Duration::from_millis(100)).await;
    }
    assert!(matches!(fleet.state().await, FleetState::Open(_)));
    assert_eq!(fleet.story(), ["Opened"]);
    // The first call of each, and what four of them make before their second report is due; alone they would make 250.
    assert!(reached <= 66, "{reached} calls reached the downstream");
}

#[tokio::test(start_paused = true)]
async fn a_healthy_circuit_writes_nothing_and_reads_once_in_five_seconds() {
    let fleet = Fleet::new();
    let process = fleet.process();
    for _ in 0..1_000 {
        works(&process).await.unwrap();
        fleet.pass(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.database.count("circuits"), 0);
    assert!(
        fleet.database.requests() <= 21,
        "{} in 100 s",
        fleet.database.requests()
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_process_writes_once_in_a_second() {
    let fleet = Fleet::new();
    let settings = CircuitSettings {
        consecutive_failures: 1_000_000,
        failure_percent: 100,
        ..CircuitSettings::default()
    };
    let process = fleet.process_with(settings);
    for number in 0..1_000 {
        let _ = match number % 3 {
            0 => fails(&process).await,
            _ => works(&process).await,
        };
        fleet.pass(Duration::from_millis(10)).await;
    }
    assert!(fleet.database.requests() <= 14, "{} in 10 s", fleet.database.requests());
}

#[tokio::test(start_paused = true)]
async fn a_single_process_opens_its_own_circuit_only() {
    let fleet = Fleet::new();
    let (bad, good) = (fleet.process(), fleet.process());
    for _ in 0..200 {
        let _ = fails(&bad).await;
        assert_eq!(works(&good).await, Ok(()));
        fleet.pass(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.state().await, FleetState::Closed);
    assert_eq!(bad.state(), "open");
    assert_eq!(fleet.story(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn failures_here_and_there_do_not_open_it_while_most_calls_succeed() {
    let fleet = Fleet::new();
    let processes = fleet.processes(10);
    for round in 0..200_u32 {
        for (place, process) in (0..).zip(&processes) {
            let _ = if (round + place) % 10 == 0 {
                fails(process).await
            } else {
                works(process).await
            };
        }
        fleet.pass(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.state().await, FleetState::Closed);
}

#[tokio::test(start_paused = true)]
async fn others_learn_of_an_open_circuit_beside_a_call() {
    let fleet = Fleet::new();
    let third = fleet.process();
    works(&third).await.unwrap();
    fleet.opened().await;
    fleet.pass(5 * SECOND).await;
    works(&third).await.unwrap();
    assert!(is_refused(&works(&third).await));
}

#[tokio::test(start_paused = true)]
async fn three_calls_of_the_whole_fleet_try_again_and_close_it() {
    let fleet = Fleet::new();
    fleet.opened().await;
    let processes = fleet.processes(20);
    for process in &processes {
        let _ = works(process).await;
    }
    fleet.pass(31 * SECOND).await;
    let (environment, mut tried) = (&fleet.environment, std::sync::atomic::AtomicU32::new(0));
    let calls = processes.iter().map(|process| {
        let tried = &tried;
        process.call(move || async move {
            tried.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            environment.clock().sleep(SECOND).await;
            Ok::<_, Trouble>(())
        })
    });
    let results = futures_util::future::join_all(calls).await;
    assert_eq!(*tried.get_mut(), 3);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(fleet.state().await, FleetState::Closed);
    assert_eq!(fleet.story(), ["Opened", "HalfOpened", "Closed"]);
    fleet.pass(6 * SECOND).await;
    for process in &processes {
        let _ = works(process).await;
        assert_eq!(works(process).await, Ok(()), "everybody calls again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_try_opens_it_for_twice_as_long() {
    let fleet = Fleet::new();
    let [process, _] = fleet.opened().await;
    for seconds in [60, 120] {
        fleet.pass(120 * SECOND).await;
        assert_eq!(
            fails(&process).await,
            Err(Trouble::Downstream(Failure::Unavailable(None)))
        );
        let until = fleet.environment.clock().now().plus(Duration::from_secs(seconds));
        assert_eq!(fleet.state().await, FleetState::Open(until));
    }
    assert_eq!(
        fleet.story(),
        ["Opened", "HalfOpened", "Opened", "HalfOpened", "Opened"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_permit_of_a_process_that_ended_is_taken_when_its_lease_ends() {
    let fleet = Fleet::new();
    let settings = CircuitSettings {
        permits: 1,
        ..CircuitSettings::default()
    };
    fleet.opened().await;
    let (ended, other) = (fleet.process_with(settings.clone()), fleet.process_with(settings));
    for process in [&ended, &other] {
        let _ = works(process).await;
    }
    fleet.pass(31 * SECOND).await;
    // Its permit is neither used nor given back.
    std::mem::forget(ended.permit().await.unwrap());
    assert!(is_refused(&works(&other).await));
    fleet.pass(30 * SECOND).await;
    for _ in 0..3 {
        works(&other).await.unwrap();
    }
    assert_eq!(fleet.state().await, FleetState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_permit_of_a_dropped_call_is_used_by_the_next() {
    let fleet = Fleet::new();
    let [process, _] = fleet.opened().await;
    fleet.pass(31 * SECOND).await;
    for _ in 0..10 {
        drop(process.permit().await.unwrap());
    }
    for _ in 0..3 {
        works(&process).await.unwrap();
    }
    assert_eq!(fleet.state().await, FleetState::Closed);
}

#[tokio::test(start_paused = true)]
async fn who_closes_late_changes_nothing() {
    let fleet = Fleet::new();
    let [process, _] = fleet.opened().await;
    fleet.pass(31 * SECOND).await;
    let permit = process.permit().await.unwrap();
    let seen = process.seen();
    drop(permit);
    let _ = fails(&process).await;
    let owner = seen.permits[&0].owner.clone();
    let late = fleet.circuits.change(NAME, &seen, &Transition::Close(0, owner)).await;
    assert!(matches!(late, Ok(onecommit_resilience::fleet::Step::Refused(_))));
    assert!(matches!(fleet.state().await, FleetState::Open(_)));
}

#[tokio::test(start_paused = true)]
async fn without_the_table_each_process_has_a_circuit_of_its_own() {
    let fleet = Fleet::new();
    let process = fleet.process();
    for _ in 0..5 {
        fleet.database.fail_next(down());
        let _ = fails(&process).await;
    }
    assert!(is_refused(&works(&process).await));
    fleet.pass(30 * SECOND).await;
    for _ in 0..3 {
        fleet.database.fail_next(down());
        assert_eq!(works(&process).await, Ok(()));
    }
    assert_eq!(process.state(), "closed");
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_whose_table_is_down_is_tried_by_each_process() {
    let fleet = Fleet::new();
    let [process, _] = fleet.opened().await;
    fleet.pass(31 * SECOND).await;
    // Of the one transaction that was tried three times; then the table is left alone for 5 s.
    (0..3).for_each(|_| fleet.database.fail_next(down()));
    for _ in 0..3 {
        assert_eq!(works(&process).await, Ok(()));
    }
    assert_eq!(process.state(), "closed");
    // The table is back: the fleet's circuit is tried and closed, too.
    fleet.pass(10 * SECOND).await;
    for _ in 0..6 {
        let _ = works(&process).await;
    }
    assert_eq!(fleet.state().await, FleetState::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_forces_stays_until_it_is_released() {
    let fleet = Fleet::new();
    let process = fleet.process();
    works(&process).await.unwrap();
    let by = || "operator".to_owned();
    let force = async |transition: Transition| {
        let seen = fleet.circuits.look(NAME).await.unwrap();
        fleet.circuits.change(NAME, &seen, &transition).await.unwrap();
        fleet.pass(6 * SECOND).await;
        let _ = works(&process).await;
    };
    force(Transition::ForceOpen(by())).await;
    fleet.pass(3_600 * SECOND).await;
    assert!(is_refused(&works(&process).await));
    force(Transition::ForceClosed(by())).await;
    for _ in 0..100 {
        assert!(!is_refused(&fails(&process).await));
    }
    force(Transition::Release(by())).await;
    assert_eq!(works(&process).await, Ok(()));
    for _ in 0..5 {
        let _ = fails(&process).await;
    }
    assert!(is_refused(&works(&process).await));
    assert_eq!(fleet.story(), ["Forced", "Forced", "Forced"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_a_change_is_asked_for_again() {
    let fleet = Fleet::new();
    let seen = fleet.circuits.look(NAME).await.unwrap();
    fleet.database.lose_next_answer(down());
    let forced = Transition::ForceOpen("operator".to_owned());
    let step = fleet.circuits.change(NAME, &seen, &forced).await.unwrap();
    assert!(matches!(step, onecommit_resilience::fleet::Step::Done(_)));
    assert_eq!(fleet.story(), ["Forced"]);
}
