//! The bugs that the exploration has to notice.

use onecommit_mutants::{Mutant, with};
use onecommit_testing::simulation::{Broken, Search};

use crate::scenarios::{self, Plan};

/// How a bug was noticed, or that it was not.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The bug.
    pub mutant: Mutant,
    /// How it was noticed.
    pub caught: Option<Broken>,
    /// How many schedules were tried.
    pub schedules: u64,
}

/// Schedules of one exhaustive search, and seeds of one random search, before the next scenario is tried.
const SCHEDULES_MAX: u64 = 3_000;

/// Explores one scenario after the other with this bug, until a promise is broken.
#[must_use]
pub fn hunt(mutant: Mutant) -> Hunt {
    let mut schedules = 0;
    let plans = scenarios::all();
    let searches: [fn(&Plan, u64) -> Result<u64, Box<Broken>>; 2] = [at_random, exhaustively];
    for search in searches {
        for plan in &plans {
            match with(mutant, || search(plan, SCHEDULES_MAX)) {
                Ok(explored) => schedules += explored,
                Err(caught) => {
                    let schedules = schedules + caught.schedules;
                    let caught = Some(*caught);
                    return Hunt {
                        mutant,
                        caught,
                        schedules,
                    };
                }
            }
        }
    }
    Hunt {
        mutant,
        caught: None,
        schedules,
    }
}

fn at_random(plan: &Plan, schedules_max: u64) -> Result<u64, Box<Broken>> {
    let seeds = 0..plan.seeds.min(schedules_max);
    let explored = Search::of(&*plan.scenario).randomly(seeds, plan.weather)?;
    Ok(explored.schedules)
}

fn exhaustively(plan: &Plan, schedules_max: u64) -> Result<u64, Box<Broken>> {
    let mut schedules = 0;
    for (faults, bounds) in &plan.exhaustive {
        let search = Search::of(&*plan.scenario).with_faults(faults);
        schedules += search.exhaustively(*bounds, schedules_max)?.schedules;
    }
    Ok(schedules)
}
