//! A rate limit that two processes keep together, by tokens that they lease.

use std::time::Duration;

use onecommit_engine::Table;
use onecommit_resilience::{Admission, RateLimit, RateLimits};
use onecommit_simulation::{Fault, Process, Scenario, World};

/// More calls than the limit allows, by two processes.
pub(crate) struct Tokens;

/// The table of limits.
pub(crate) const LIMITS: &str = "limits";
const CALLS: u64 = 12;
const PROCESSES: u64 = 2;
const ASKED: u32 = 12;

async fn call(process: Process) {
    let environment = process.environment();
    let Ok(limit) = RateLimit::new(CALLS, Duration::from_secs(3_600)) else {
        return;
    };
    let limits = RateLimits::new(process.tables(), Table::new(LIMITS), "pk", environment.clone());
    for _ in 0..ASKED {
        if limits.admit("key-1", limit).await == Admission::Admitted {
            process.note(ADMITTED);
        }
        environment.clock().sleep(Duration::from_millis(700)).await;
    }
}

const ADMITTED: &str = "admitted";

impl Scenario for Tokens {
    fn name(&self) -> &str {
        "a rate limit by leased tokens"
    }

    fn set_up(&self, world: &mut World) {
        for place in 1..=PROCESSES {
            world.process(&format!("server/{place}"), call);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let admitted = world.notes().iter().filter(|note| *note == ADMITTED).count() as u64;
        // Without the table, each process keeps the limit for itself, and a process that begins anew has no memory of it.
        let is_alone = Fault::ALL
            .iter()
            .any(|fault| !Fault::CRASHES.contains(fault) && world.met(*fault));
        if is_alone || admitted <= CALLS {
            return Ok(());
        }
        Err(format!("{admitted} calls admitted; the limit is {CALLS}"))
    }
}
