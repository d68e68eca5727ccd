//! What a circuit costs, and what a fleet's circuit saves: `cargo run --release --package onecommit-resilience --example figures`.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]
#![allow(clippy::disallowed_methods, reason = "it measures on the real clock")]

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use onecommit_engine::{EventLog, Table};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_resilience::fleet::{Circuits, TableCircuits};
use onecommit_resilience::{Circuit, CircuitSettings, Classify, Failure, Outcome, Stopped};
use onecommit_testing::{MemoryDatabase, VirtualClock};

type Outcomes<T> = Result<T, Box<dyn Error>>;

#[derive(Debug)]
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

fn main() -> Outcomes<()> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime()?.block_on(costs())?;
    for pause in [Duration::from_millis(100), Duration::from_secs(1)] {
        let paused = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
        };
        let alone = paused()?.block_on(dead_downstream(pause, false))?;
        let shared = paused()?.block_on(dead_downstream(pause, true))?;
        println!(
            "50 processes, a call every {} ms, downstream dead for 120 s: {} calls reach it with a circuit each, {} with the fleet's ({:.2} x), which takes {} requests to the table",
            pause.as_millis(),
            alone.reached,
            shared.reached,
            shared.reached as f64 / alone.reached as f64,
            shared.requests,
        );
    }
    let paused = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    println!(
        "1000 healthy calls, ten a second: {} requests to the table",
        paused.block_on(healthy())?
    );
    Ok(())
}

/// So few that a batch is rarely interrupted; the fastest batch counts.
const CALLS: u32 = 2_000;
const BATCHES: u32 = 1_000;

/// The decision of a closed circuit, and the decision with the count of its outcome.
async fn costs() -> Outcomes<()> {
    let local = Circuit::local("figures", CircuitSettings::default(), Environment::system())?;
    let fleet = Fleet::new(Environment::system());
    for (name, circuit) in [("of this process", local), ("of the fleet", fleet.process()?)] {
        let (mut decisions, mut whole) = (f64::MAX, f64::MAX);
        for _ in 0..BATCHES {
            let started = Instant::now();
            for _ in 0..CALLS {
                // Forgotten: without the count of an outcome. What it holds is a pointer.
                std::mem::forget(black_box(circuit.permit().await?));
            }
            decisions = decisions.min(per_call(started));
            let started = Instant::now();
            for _ in 0..CALLS {
                black_box(circuit.permit().await?).end(Outcome::Works).await;
            }
            whole = whole.min(per_call(started));
        }
        println!("closed circuit {name}: decision {decisions:.0} ns, with the count of the outcome {whole:.0} ns");
    }
    Ok(())
}

fn per_call(started: Instant) -> f64 {
    started.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

struct Fleet {
    database: Arc<MemoryDatabase>,
    circuits: Arc<dyn Circuits>,
    environment: Environment,
}

impl Fleet {
    fn new(environment: Environment) -> Self {
        let database = Arc::<MemoryDatabase>::default();
        let log = EventLog::new(Table::new("events"));
        let circuits = TableCircuits::new(Arc::clone(&database), Table::new("circuits"), log, environment.clone());
        Self {
            database,
            circuits: Arc::new(circuits),
            environment,
        }
    }

    fn process(&self) -> Outcomes<Circuit> {
        let settings = CircuitSettings::default();
        let circuit = Circuit::shared(
            "figures",
            Arc::clone(&self.circuits),
            settings,
            self.environment.clone(),
        );
        Ok(circuit?)
    }
}

fn virtual_environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(1_800_000_000_000));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)))
}

struct Dead {
    reached: u64,
    requests: u64,
}

/// Each process calls every `pause`, each at a moment of its own.
async fn dead_downstream(pause: Duration, is_shared: bool) -> Outcomes<Dead> {
    let environment = virtual_environment();
    let fleet = Fleet::new(environment.clone());
    let reached = AtomicU64::new(0);
    let mut processes = Vec::new();
    for place in 0..50 {
        let circuit = if is_shared {
            fleet.process()?
        } else {
            Circuit::local("figures", CircuitSettings::default(), environment.clone())?
        };
        let (environment, reached) = (&environment, &reached);
        processes.push(async move {
            environment.clock().sleep(pause * place / 50).await;
            let started = environment.clock().instant();
            while environment.clock().instant() - started < Duration::from_secs(120) {
                let _ = circuit
                    .call(|| async {
                        reached.fetch_add(1, Ordering::Relaxed);
                        environment.clock().sleep(Duration::from_millis(2)).await;
                        Err::<(), _>(Trouble(Failure::Unavailable(None)))
                    })
                    .await;
                environment.clock().sleep(pause).await;
            }
        });
    }
    join_all(processes).await;
    Ok(Dead {
        reached: reached.load(Ordering::Relaxed),
        requests: fleet.database.requests(),
    })
}

async fn healthy() -> Outcomes<u64> {
    let environment = virtual_environment();
    let fleet = Fleet::new(environment.clone());
    let circuit = fleet.process()?;
    for _ in 0..1_000 {
        let called: Result<(), Trouble> = circuit.call(|| async { Ok(()) }).await;
        called.map_err(|trouble| format!("{trouble:?}"))?;
        environment.clock().sleep(Duration::from_millis(100)).await;
    }
    Ok(fleet.database.requests())
}
