//! Exploring the scenarios with a bug, until it is noticed.

use std::time::Duration;

use onecommit_simulation::{Broken, Schedule};

use crate::bugs::Bug;
use crate::scenarios::{Plan, outages};

/// How a bug was noticed, or that it was not.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The bug.
    pub bug: Bug,
    /// How it was noticed.
    pub caught: Option<Broken>,
    /// A run that could not be repeated; the hunt ends with it.
    pub blur: Option<Broken>,
    /// How many schedules were tried.
    pub schedules: u64,
}

/// How scenarios are explored one after the other: a few seeds first, since most bugs need no more.
const ROUNDS: [Round; 6] = [
    Round::Seeds(200),
    Round::Storms(30),
    Round::Exhaustive(600),
    Round::Outages,
    Round::Seeds(3_000),
    Round::Exhaustive(5_000),
];

#[derive(Clone, Copy)]
enum Round {
    Seeds(u64),
    Storms(u64),
    Exhaustive(u64),
    Outages,
}

/// Explores one scenario after the other with this bug, until a promise is broken.
#[must_use]
pub fn hunt(bug: Bug) -> Hunt {
    let plans = bug.plans();
    let mut hunt = Hunt {
        bug,
        caught: None,
        blur: None,
        schedules: 0,
    };
    for round in ROUNDS {
        let tries = match round {
            // Not of any plan.
            Round::Outages if bug.is_in_every_scenario() => &plans[..1],
            Round::Outages => &[],
            _ => &plans[..],
        };
        for plan in tries {
            match explore(bug, plan, round) {
                Ok(schedules) => hunt.schedules += schedules,
                Err(broken) => {
                    hunt.schedules += broken.schedules;
                    // What cannot be repeated is a fault of the proof, and says nothing of the bug.
                    if !broken.repeats {
                        hunt.blur = Some(*broken);
                        return hunt;
                    }
                    hunt.caught = Some(*broken);
                    return hunt;
                }
            }
        }
    }
    hunt
}

/// Every dependency out for an hour, one after the other: some bugs show only in how long it then takes.
fn outages_of_an_hour(bug: Bug) -> Result<u64, Box<Broken>> {
    let mut schedules = 0;
    for case in outages::cases() {
        let measured = outages::measure_with(&case, Duration::from_secs(3600), Some(bug));
        schedules += 1;
        if let Some(what) = measured.wrong.first() {
            return Err(Box::new(Broken {
                scenario: format!("outage: {}", measured.case),
                what: what.clone(),
                seed: None,
                schedules,
                schedule: Schedule::calm(),
                is_of_liveness: false,
                repeats: true,
                story: Vec::new(),
            }));
        }
    }
    Ok(schedules)
}

fn explore(bug: Bug, plan: &Plan, round: Round) -> Result<u64, Box<Broken>> {
    match round {
        Round::Outages => outages_of_an_hour(bug),
        Round::Seeds(seeds) => {
            let explored = bug.search(&*plan.scenario).randomly(0..seeds, plan.weather)?;
            Ok(explored.schedules)
        }
        Round::Storms(seeds) => {
            let Some(liveness) = plan.liveness else { return Ok(0) };
            Ok(bug.search(&*plan.scenario).settling(0..seeds, liveness)?.schedules)
        }
        Round::Exhaustive(schedules_max) => {
            let mut schedules = 0;
            for (faults, bounds) in &plan.exhaustive {
                let search = bug.search(&*plan.scenario).with_faults(faults);
                schedules += search.exhaustively(*bounds, schedules_max)?.schedules;
            }
            Ok(schedules)
        }
    }
}
