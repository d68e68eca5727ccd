//! Explores the scenarios.

#![allow(clippy::print_stdout, reason = "this is a program for people")]

use std::time::Instant;

use onecommit_proof::scenarios;
use onecommit_testing::simulation::Search;

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    if filter == "mutants" {
        let which = std::env::args().nth(2).unwrap_or_default();
        for mutant in onecommit_mutants::Mutant::ALL {
            if !mutant.name().contains(&which) {
                continue;
            }
            let started = Instant::now();
            let hunt = onecommit_proof::mutants::hunt(*mutant);
            match hunt.caught {
                Some(broken) => println!(
                    "{mutant}: {} after {} {:?}: {} [{}]",
                    broken.scenario,
                    hunt.schedules,
                    started.elapsed(),
                    broken.what.replace('\n', " "),
                    broken.schedule
                ),
                None => println!("{mutant}: SURVIVED {} {:?}", hunt.schedules, started.elapsed()),
            }
        }
        return;
    }
    for plan in scenarios::all() {
        let name = plan.scenario.name().to_owned();
        if !name.contains(&filter) {
            continue;
        }
        for (faults, bounds) in &plan.exhaustive {
            let started = Instant::now();
            let found = Search::of(&*plan.scenario)
                .with_faults(faults)
                .exhaustively(*bounds, 300_000);
            match found {
                Ok(explored) => println!(
                    "{name}: {bounds:?}: {explored} complete {} in {:?}",
                    explored.complete,
                    started.elapsed()
                ),
                Err(broken) => println!("{broken}"),
            }
        }
        let started = Instant::now();
        match Search::of(&*plan.scenario).randomly(0..plan.seeds, plan.weather) {
            Ok(explored) => println!("{name}: random: {explored} in {:?}", started.elapsed()),
            Err(broken) => println!("{broken}"),
        }
    }
}
