//! Worlds in which the promises are at stake.

mod accounts;
mod adversary;
mod circuits;
mod comebacks;
mod copies;
mod embedded;
mod lanes;
mod leases;
mod letters;
pub mod outages;
mod outbox;
mod payloads;
mod poison;
pub(crate) mod rebuilds;
mod refusals;
mod registrations;
mod seats;
mod stuck;
mod tokens;
pub(crate) mod trips;
mod views;

pub(crate) use circuits::CIRCUITS;
pub(crate) use embedded::WEIGHTS;
pub(crate) use tokens::LIMITS;

use std::fmt::Debug;
use std::time::Duration;

use onecommit_engine::{Item, Value};
use onecommit_simulation::{Bounds, Fault, FaultRates, Liveness, Scenario};

use accounts::Accounts;
use adversary::Adversary;
use circuits::Circuits;
use comebacks::Comebacks;
use copies::Copies;
use embedded::{Rolling, Rotation, SharedRow, Spills};
use lanes::Lanes;
use leases::Leases;
use letters::Letters;
use outbox::Outbox;
use poison::Poison;
use rebuilds::Rebuilds;
use refusals::Refusals;
use registrations::Registrations;
use seats::Seats;
use stuck::Stuck;
use tokens::Tokens;
use trips::Trip;
use views::Views;

/// A scenario, and how it is explored.
pub struct Plan {
    /// The world.
    pub scenario: Box<dyn Scenario + Send>,
    /// The exhaustive searches: which faults, and how many.
    pub exhaustive: Vec<(&'static [Fault], Bounds)>,
    /// How many seeds are tried at random.
    pub seeds: u64,
    /// What their schedules are like.
    pub weather: FaultRates,
    /// What is promised once faults stop; nothing where the scenario's own time is longer.
    pub liveness: Option<Liveness>,
    /// After how many storms that is tried.
    pub storms: u64,
}

/// Of a storm that is fiercer than the default, since the consumers here are patient.
const AFTER_A_STORM: Liveness = Liveness {
    storm_steps: 60,
    storm: FaultRates {
        faults_per_mille: 200,
        faults_max: 30,
    },
    settles_in_steps: 8_000,
    settles_in: Duration::from_secs(40 * 60),
};

impl Plan {
    fn of(scenario: impl Scenario + Send + 'static) -> Self {
        Self {
            scenario: Box::new(scenario),
            exhaustive: Vec::new(),
            seeds: 3_000,
            weather: FaultRates::default(),
            liveness: Some(AFTER_A_STORM),
            storms: 300,
        }
    }

    /// Everything with so many faults, and so many times something else than the oldest request first.
    fn all(mut self, faults: u32, disorder: u32) -> Self {
        self.exhaustive.push((Fault::ALL, Bounds { faults, disorder }));
        self
    }

    /// Crashes only.
    fn crashes(mut self, faults: u32, disorder: u32) -> Self {
        self.exhaustive.push((Fault::CRASHES, Bounds { faults, disorder }));
        self
    }

    /// What an exhaustive search covers, in words.
    #[must_use]
    pub fn describe((faults, bounds): &(&'static [Fault], Bounds)) -> String {
        let kind = match (*faults == Fault::ALL, bounds.faults) {
            (true, 1) => "fault",
            (true, _) => "faults",
            (false, 1) => "crash",
            (false, _) => "crashes",
        };
        format!("{} {kind}, {} out of order", bounds.faults, bounds.disorder)
    }

    /// Nothing is promised of how soon it settles.
    fn whenever(mut self) -> Self {
        self.liveness = None;
        self
    }

    fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    fn storms(mut self, storms: u64) -> Self {
        self.storms = storms;
        self
    }
}

/// All scenarios.
#[must_use]
pub fn all() -> Vec<Plan> {
    let lease = |bank_can_tell, is_slow| Leases { bank_can_tell, is_slow };
    [
        Plan::of(Copies { batch: 1 }).all(1, 3).crashes(2, 2),
        Plan::of(Copies { batch: 3 }).all(2, 1),
        Plan::of(Comebacks).all(2, 0).whenever(),
        Plan::of(Registrations).all(1, 2),
        Plan::of(Seats).all(1, 1),
        Plan::of(Lanes).all(2, 0),
        Plan::of(Refusals).all(2, 0),
        Plan::of(Poison).all(1, 1),
        Plan::of(lease(true, false)).all(2, 1).crashes(3, 1),
        Plan::of(lease(true, true)).all(1, 1),
        Plan::of(lease(false, false)).all(2, 1),
        Plan::of(Letters).all(2, 1),
        Plan::of(Views).all(1, 1),
        Plan::of(SharedRow).all(1, 1).seeds(1_000),
        Plan::of(Rotation).all(1, 0).seeds(500).whenever(),
        Plan::of(Spills).all(1, 0).seeds(500).whenever(),
        Plan::of(Rolling::Key).all(1, 1).crashes(2, 0).seeds(1_000),
        Plan::of(Rolling::Class).all(1, 1).crashes(2, 0).seeds(1_000),
        Plan::of(outbox(true, false)).all(1, 1),
        Plan::of(outbox(true, true)).all(1, 0),
        Plan::of(outbox(false, false)).all(1, 1),
        Plan::of(outbox(false, true)).all(1, 0),
        Plan::of(Stuck { is_marked: true }).all(1, 0).seeds(500).storms(60),
        Plan::of(Stuck { is_marked: false }).all(1, 0).seeds(500).storms(60),
        Plan::of(Accounts { from_snapshots: false }).all(1, 1),
        Plan::of(Accounts { from_snapshots: true }).all(1, 1),
        Plan::of(Trip::Smooth).all(1, 1).crashes(2, 0).seeds(2_000),
        Plan::of(Trip::Declined).all(1, 0).seeds(2_000),
        Plan::of(Trip::Cancelled).all(1, 0).seeds(2_000),
        Plan::of(Trip::Tardy).all(1, 0).seeds(2_000),
        Plan::of(Circuits::ByBoth)
            .all(1, 0)
            .crashes(2, 0)
            .seeds(1_000)
            .whenever(),
        Plan::of(Circuits::OneByOne)
            .all(1, 0)
            .crashes(2, 0)
            .seeds(1_000)
            .whenever(),
        Plan::of(Tokens).all(1, 1).crashes(2, 0).seeds(1_000).whenever(),
        Plan::of(Adversary::KeptOut).all(1, 0).seeds(400).storms(60),
    ]
    .into_iter()
    .chain(Rebuilds::ALL.map(of_rebuilds))
    .collect()
}

fn outbox(is_marked: bool, is_cursed: bool) -> Outbox {
    Outbox { is_cursed, is_marked }
}

/// A rebuild, and how far it is explored.
pub(crate) fn of_rebuilds(rebuilds: Rebuilds) -> Plan {
    Plan::of(rebuilds).all(1, 0).all(0, rebuilds.disorder()).seeds(500)
}

/// What has to be so, and is.
pub(crate) fn expect<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {expected:?}"))
}

/// A number in a row; 0 when there is none.
pub(crate) fn number(row: Option<&Item>, name: &str) -> i64 {
    row.and_then(|row| row.get(name)).and_then(Value::as_i64).unwrap_or(0)
}
