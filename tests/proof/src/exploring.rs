//! Exploring the scenarios as the code is.

use std::time::{Duration, Instant};

use onecommit_simulation::{Broken, Explored, Search};

use crate::scenarios::Plan;

/// What became of one scenario.
#[derive(Debug)]
pub struct Finding {
    /// The scenario.
    pub scenario: String,
    /// How far the exhaustive searches went, in words.
    pub bounds: Vec<String>,
    /// What the exhaustive searches covered.
    pub exhaustively: Explored,
    /// What the random search covered.
    pub randomly: Explored,
    /// What the storms covered, after which everything has to settle in time.
    pub settled: Explored,
    /// How long it took.
    pub took: Duration,
    /// The promise that was broken, if one was.
    pub broken: Option<Broken>,
}

impl Finding {
    /// All schedules together.
    #[must_use]
    pub fn explored(&self) -> Explored {
        self.exhaustively.clone().and(&self.randomly).and(&self.settled)
    }
}

/// Explores one scenario, with seeds from `first_seed` on.
#[must_use]
pub fn explore(plan: &Plan, first_seed: u64) -> Finding {
    let started = Instant::now();
    let mut finding = Finding {
        scenario: plan.scenario.name().to_owned(),
        bounds: plan.exhaustive.iter().map(Plan::describe).collect(),
        exhaustively: Explored {
            complete: true,
            ..Explored::default()
        },
        randomly: Explored::default(),
        settled: Explored::default(),
        took: Duration::ZERO,
        broken: None,
    };
    if let Err(broken) = search(plan, first_seed, &mut finding) {
        finding.broken = Some(*broken);
    }
    finding.took = started.elapsed();
    finding
}

fn search(plan: &Plan, first_seed: u64, finding: &mut Finding) -> Result<(), Box<Broken>> {
    for (faults, bounds) in &plan.exhaustive {
        let search = Search::of(&*plan.scenario).with_faults(faults);
        let explored = search.exhaustively(*bounds, u64::MAX)?;
        finding.exhaustively = std::mem::take(&mut finding.exhaustively).and(&explored);
    }
    let seeds = first_seed..first_seed.saturating_add(plan.seeds);
    finding.randomly = Search::of(&*plan.scenario).randomly(seeds, plan.weather)?;
    if let Some(liveness) = plan.liveness {
        let storms = first_seed..first_seed.saturating_add(plan.storms);
        finding.settled = Search::of(&*plan.scenario).settling(storms, liveness)?;
    }
    Ok(())
}
