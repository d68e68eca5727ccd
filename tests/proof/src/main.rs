//! Explores the promises and hunts the bugs; see docs/reliability.md.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people")]

mod patching;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use onecommit_proof::bugs::{self, Bug};
use onecommit_proof::exploring::{Finding, explore};
use onecommit_proof::hunting::{Hunt, hunt};
use onecommit_proof::page::{Findings, page};
use onecommit_proof::patches::{self, Records};
use onecommit_proof::scenarios::outages::{self, Case, DURATIONS, Measured};
use onecommit_proof::scenarios::{self, Plan};
use onecommit_proof::side_by_side;
use onecommit_simulation::{Schedule, Search};
use serde_json::json;

/// Explores the promises in a simulated world, and hunts the bugs that the exploration has to notice.
#[derive(Parser)]
#[command(name = "onecommit-proof")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List scenarios and bugs.
    List,
    /// Explore the scenarios whose names contain a text; all without one.
    Explore {
        /// Part of the names.
        #[arg(default_value = "")]
        filter: String,
        /// The first seed of the random searches.
        #[arg(long, default_value_t = 0)]
        first_seed: u64,
        /// How many seeds each scenario is explored with, instead of its own number.
        #[arg(long)]
        seeds: Option<u64>,
        /// Print one JSON object for each scenario.
        #[arg(long)]
        json: bool,
    },
    /// Hunt the bugs whose names contain a text; all without one.
    Hunt {
        /// Part of the names.
        #[arg(default_value = "")]
        filter: String,
        /// Print one JSON object for each bug.
        #[arg(long)]
        json: bool,
    },
    /// Apply each bug that is a patch to a copy of this tree, and see whether its tests fail.
    Patches(patching::Arguments),
    /// Let one dependency after the other be out for a while, and print what came of it.
    Outages {
        /// Part of the names.
        #[arg(default_value = "")]
        filter: String,
    },
    /// Run one schedule of a scenario and print what happens, line by line.
    Replay {
        /// The scenario's name.
        scenario: String,
        /// The schedule, for example "12:3 40:1", or "calm".
        schedule: Schedule,
        /// With this bug.
        #[arg(long)]
        bug: Option<Bug>,
    },
    /// Explore and hunt everything, and write the page about it.
    Page {
        /// Where to.
        #[arg(long, default_value = "docs/reliability.md")]
        output: PathBuf,
        /// The report of a chaos run to show there; left out when there is none.
        #[arg(long, default_value = "bench/results/chaos.json")]
        chaos: PathBuf,
    },
    /// Print completions for a shell.
    Completions {
        /// Which one.
        shell: Shell,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let all_is_well = match Arguments::parse().command {
        Command::List => {
            list()?;
            true
        }
        Command::Explore {
            filter,
            first_seed,
            seeds,
            json,
        } => {
            let findings = explore_all(&filter, first_seed, seeds)?;
            findings.iter().for_each(|finding| print_finding(finding, json));
            findings.iter().all(|finding| finding.broken.is_none())
        }
        Command::Hunt { filter, json } => {
            let hunts = hunt_all(&filter)?;
            hunts.iter().for_each(|hunt| print_hunt(hunt, json));
            let recalled = patching::recall(&filter, json)?;
            recalled && hunts.iter().all(|hunt| hunt.caught.is_some())
        }
        Command::Patches(arguments) => patching::run(&arguments)?,
        Command::Outages { filter } => measure_all(&filter)?.iter().all(|measured| measured.wrong.is_empty()),
        Command::Replay {
            scenario,
            schedule,
            bug,
        } => replay(&scenario, &schedule, bug)?,
        Command::Page { output, chaos } => write_page(&output, &chaos)?,
        Command::Completions { shell } => {
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "onecommit-proof", &mut std::io::stdout());
            true
        }
    };
    Ok(if all_is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn list() -> anyhow::Result<()> {
    println!("scenarios:");
    for plan in scenarios::all() {
        println!("  {}", plan.scenario.name());
    }
    println!("bugs:");
    for bug in bugs::all() {
        println!("  {bug}: {}", bug.says());
    }
    println!("patches:");
    for patch in patches::all(&patches::workspace())? {
        println!("  {}: {}", patch.name(), patch.says());
    }
    Ok(())
}

fn explore_all(filter: &str, first_seed: u64, seeds: Option<u64>) -> anyhow::Result<Vec<Finding>> {
    let mut plans = scenarios::all();
    for plan in &mut plans {
        plan.seeds = seeds.unwrap_or(plan.seeds);
    }
    plans.retain(|plan| plan.scenario.name().contains(filter));
    if plans.is_empty() {
        return Err(anyhow!(
            "no scenario's name contains {filter:?}; they are listed by: onecommit-proof list"
        ));
    }
    let count = plans.len();
    Ok(side_by_side::each(
        count,
        |number| explore(&plans[number], first_seed),
        |finding, done| {
            let seconds = finding.took.as_secs_f64();
            eprintln!(
                "[{done}/{count}] {}: {} ({seconds:.1} s)",
                finding.scenario,
                finding.explored()
            );
        },
    ))
}

fn hunt_all(filter: &str) -> anyhow::Result<Vec<Hunt>> {
    let mut bugs = bugs::all();
    bugs.retain(|bug| bug.name().contains(filter));
    if bugs.is_empty() && patching::with(filter)?.is_empty() {
        return Err(anyhow!(
            "no bug's name contains {filter:?}; they are listed by: onecommit-proof list"
        ));
    }
    let count = bugs.len();
    Ok(side_by_side::each(
        count,
        |number| hunt(bugs[number]),
        |hunt, done| {
            let outcome = hunt
                .caught
                .as_ref()
                .map_or("not noticed", |broken| broken.scenario.as_str());
            eprintln!("[{done}/{count}] {}: {outcome}, {} schedules", hunt.bug, hunt.schedules);
        },
    ))
}

fn measure_all(filter: &str) -> anyhow::Result<Vec<Measured>> {
    let cases: Vec<Case> = outages::cases();
    let cases: Vec<&Case> = cases.iter().filter(|case| case.name.contains(filter)).collect();
    if cases.is_empty() {
        return Err(anyhow!("no outage's name contains {filter:?}"));
    }
    let all: Vec<(&Case, Duration)> = cases
        .iter()
        .flat_map(|case| DURATIONS.map(|lasts| (*case, lasts)))
        .collect();
    Ok(side_by_side::each(
        all.len(),
        |number| outages::measure(all[number].0, all[number].1),
        |measured, _| eprintln!("{} for {} s: {measured}", measured.case, measured.lasts.as_secs()),
    ))
}

fn print_finding(finding: &Finding, as_json: bool) {
    if as_json {
        let faults: serde_json::Map<_, _> = finding
            .explored()
            .faults
            .iter()
            .map(|(fault, count)| (fault.to_string(), json!(count)))
            .collect();
        println!(
            "{}",
            json!({
                "scenario": finding.scenario,
                "exhaustive": finding.exhaustively.schedules,
                "complete": finding.exhaustively.complete,
                "random": finding.randomly.schedules,
                "faults": faults,
                "seconds": finding.took.as_secs_f64(),
                "broken": finding.broken.as_ref().map(|broken| json!({
                    "what": broken.what,
                    "schedule": broken.schedule.to_string(),
                    "repeats": broken.repeats,
                })),
            })
        );
        return;
    }
    match &finding.broken {
        Some(broken) => println!("{broken}"),
        None => println!("{}: holds in {}", finding.scenario, finding.explored()),
    }
}

fn print_hunt(hunt: &Hunt, as_json: bool) {
    let caught = hunt.caught.as_ref();
    if as_json {
        println!(
            "{}",
            json!({
                "bug": hunt.bug.name(),
                "scenario": caught.map(|broken| &broken.scenario),
                "what": caught.map(|broken| &broken.what),
                "schedule": caught.map(|broken| broken.schedule.to_string()),
                "seed": caught.and_then(|broken| broken.seed),
                "schedules": hunt.schedules,
            })
        );
        return;
    }
    match (caught, &hunt.blur) {
        (Some(broken), _) => println!("{}: noticed in {}\n{broken}", hunt.bug, broken.scenario),
        (None, Some(blur)) => println!("{}: a run could not be repeated\n{blur}", hunt.bug),
        (None, None) => println!("{}: NOT noticed in {} schedules", hunt.bug, hunt.schedules),
    }
}

fn replay(scenario: &str, schedule: &Schedule, bug: Option<Bug>) -> anyhow::Result<bool> {
    let plan = bug
        .map_or_else(scenarios::all, Bug::plans)
        .into_iter()
        .find(|plan| plan.scenario.name() == scenario);
    let plan: Plan =
        plan.with_context(|| format!("there is no scenario {scenario:?}; list them: onecommit-proof list"))?;
    let search = bug.map_or_else(|| Search::of(&*plan.scenario), |bug| bug.search(&*plan.scenario));
    search.story(schedule).iter().for_each(|line| println!("{line}"));
    match search.replay(schedule) {
        Ok(_) => println!("every promise holds"),
        Err(broken) => {
            println!("{}", broken.what);
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_page(output: &PathBuf, chaos: &PathBuf) -> anyhow::Result<bool> {
    let started = Instant::now();
    let scenarios = explore_all("", 0, None)?;
    let took = started.elapsed();
    let hunts = hunt_all("")?;
    let outages = measure_all("")?;
    let workspace = patches::workspace();
    let (patches, records) = (patches::all(&workspace)?, Records::read(&workspace)?);
    let chaos = std::fs::read_to_string(chaos).ok();
    let chaos = chaos.map(|text| serde_json::from_str(&text)).transpose();
    let chaos = chaos.context("the report of the chaos run is no JSON")?;
    let findings = Findings {
        scenarios: &scenarios,
        hunts: &hunts,
        patches: &patches,
        records: &records,
        outages: &outages,
        took,
        chaos: chaos.as_ref(),
    };
    std::fs::write(output, page(&findings)).with_context(|| format!("{} cannot be written", output.display()))?;
    eprintln!("{} is written", output.display());
    Ok(scenarios.iter().all(|finding| finding.broken.is_none())
        && hunts.iter().all(|hunt| hunt.caught.is_some())
        && patches.iter().all(|patch| records.of(patch).is_some()))
}
