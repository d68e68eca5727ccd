//! Ours beside what people use today, in turn: every round starts every contestant anew in every scenario, so that a drift
//! of the machine hits all alike.

mod cell;
mod goals;
mod scenario;
mod summary;

use std::time::Duration;

use anyhow::Result;

use crate::cli::{self, Common};
use crate::contestants::{self, Contestant};
use crate::lab::dynamodb_local::DynamoDbLocal;
use crate::lab::warm_up::warm_up;
use crate::report::{Environment, Report, Table, goals_table};
use crate::workspace::Workspace;
use cell::{Cell, Length};
use scenario::Scenario;
use summary::Summary;

const ROUNDS: usize = 3;
const LENGTH: Length = Length {
    warm_up: 10,
    measured: 30,
};
const LENGTH_QUICK: Length = Length {
    warm_up: 3,
    measured: 6,
};
const WARM_UP_ROUNDS: usize = 1_000;
const WARM_UP_ROUNDS_QUICK: usize = 100;
const LATENCIES_MS: [u64; 2] = [0, 4];

/// What to run.
struct Plan {
    rounds: usize,
    /// Of requests to DynamoDB Local, before anything else.
    warm_up_rounds: usize,
    length: Length,
    latencies: Vec<Duration>,
}

impl Plan {
    fn of(common: &Common, options: &cli::Compare) -> Self {
        let usual = if common.quick { LENGTH_QUICK } else { LENGTH };
        let length = Length {
            warm_up: options.warm_up.unwrap_or(usual.warm_up),
            measured: options.batches.unwrap_or(usual.measured),
        };
        let latencies = match options.latencies.as_slice() {
            [] => LATENCIES_MS.map(Duration::from_millis).into(),
            given => given.to_vec(),
        };
        Self {
            rounds: options.rounds.unwrap_or(if common.quick { 1 } else { ROUNDS }),
            warm_up_rounds: if common.quick {
                WARM_UP_ROUNDS_QUICK
            } else {
                WARM_UP_ROUNDS
            },
            length,
            latencies,
        }
    }
}

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Compare) -> Result<()> {
    let plan = Plan::of(common, options);
    let contestants = contestants::prepare(workspace, common, &options.contestants).await?;
    let dynamodb = DynamoDbLocal::start(workspace).await?;
    warm_up_the_laboratory(&dynamodb, &contestants, &plan).await?;
    let machine = dynamodb.watch_machine()?;
    let cells = run_rounds(&dynamodb, &contestants, &plan).await?;
    let others = machine.in_words()?;
    let summaries = Summary::of_all(&contestants, &plan.latencies, &cells);
    report(&summaries, &plan, common, others).await.publish(workspace)
}

/// What happens for the first time takes longer: none of it should count.
async fn warm_up_the_laboratory(dynamodb: &DynamoDbLocal, contestants: &[Contestant], plan: &Plan) -> Result<()> {
    eprintln!("warming up DynamoDB Local ...");
    warm_up(&dynamodb.direct, plan.warm_up_rounds).await?;
    for contestant in contestants {
        eprintln!("warming up with {} ...", contestant.name);
        for scenario in Scenario::ALL {
            Cell::measure(dynamodb, contestant, scenario, Duration::ZERO, LENGTH_QUICK).await?;
        }
    }
    Ok(())
}

async fn run_rounds(dynamodb: &DynamoDbLocal, contestants: &[Contestant], plan: &Plan) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for round in 0..plan.rounds {
        for &latency in &plan.latencies {
            for scenario in Scenario::ALL {
                for place in 0..contestants.len() {
                    let contestant = &contestants[(place + round) % contestants.len()];
                    eprintln!(
                        "round {}/{}: {} ms, {}: {}",
                        round + 1,
                        plan.rounds,
                        latency.as_millis(),
                        scenario.name(),
                        contestant.name
                    );
                    cells.push(Cell::measure(dynamodb, contestant, scenario, latency, plan.length).await?);
                }
            }
        }
    }
    Ok(cells)
}

async fn report(summaries: &[Summary], plan: &Plan, common: &Common, others: String) -> Report {
    let mut tables: Vec<Table> = Vec::new();
    for &latency in &plan.latencies {
        for scenario in Scenario::ALL {
            let of_table = summaries
                .iter()
                .filter(|each| each.latency == latency && each.scenario == scenario);
            tables.push(summary::costs_table(
                latency,
                scenario,
                &of_table.clone().collect::<Vec<_>>(),
            ));
            tables.push(summary::effects_table(&of_table.collect::<Vec<_>>()));
        }
    }
    let goals = goals::of(summaries);
    if !goals.is_empty() {
        tables.push(goals_table(&goals));
    }
    Report {
        name: "compare".into(),
        title: "Beside what people use today".into(),
        notes: vec![
            format!(
                "{} rounds, contestants in turn; each starts anew, gets one first batch of 10, {} to warm up and {} that are \
                 measured, one invocation at a time.",
                plan.rounds, plan.length.warm_up, plan.length.measured
            ),
            others,
        ],
        environment: Environment::look(common.quick).await,
        tables,
        data: summaries.iter().map(Summary::data).collect(),
    }
}
