//! Our long-polling worker beside one on the npm package sqs-consumer: the same full queue, round after round in turn.

mod drain;

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{self, Common};
use crate::contestants::{self, Contestant};
use crate::lab::ministack::MiniStack;
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::statistics::median;
use crate::workspace::Workspace;
use drain::Drain;

const OURS: &str = "worker";
const SQS_CONSUMER: &str = "node-sqs-consumer";
const MESSAGES: usize = 2_000;
const MESSAGES_QUICK: usize = 200;
const ROUNDS: usize = 3;
/// Ours is to be at least three times as fast.
const TIME_OF_SQS_CONSUMER: f64 = 1.0 / 3.0;

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Worker) -> Result<()> {
    let messages = options
        .messages
        .unwrap_or(if common.quick { MESSAGES_QUICK } else { MESSAGES });
    let rounds = options.rounds.unwrap_or(if common.quick { 1 } else { ROUNDS });
    let contestants = prepare(workspace, common, &options.contestants).await?;
    let ministack = MiniStack::start(workspace).await?;
    let machine = ministack.watch_machine()?;
    let mut drains = Vec::new();
    for round in 0..rounds {
        for place in 0..contestants.len() {
            let contestant = &contestants[(place + round) % contestants.len()];
            eprintln!("round {}/{rounds}: {}", round + 1, contestant.name);
            drains.push(Drain::measure(&ministack, contestant, messages).await?);
        }
    }
    let others = machine.in_words()?;
    report(&contestants, &drains, messages, common, others)
        .await
        .publish(workspace)
}

/// Ours takes part when there is one to build or one is given.
async fn prepare(workspace: &Workspace, common: &Common, only: &[String]) -> Result<Vec<Contestant>> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let is_given = common.functions.iter().any(|(name, _)| name == OURS);
    let mut contestants = Vec::new();
    if is_wanted(OURS) && (is_given || is_package(&workspace.root.join("functions").join(OURS))) {
        let worker = contestants::build_functions(workspace, common, &[OURS])
            .await?
            .remove(0);
        contestants.push(worker.contestant(workspace, OURS, &[])?);
    }
    if is_wanted(SQS_CONSUMER) {
        contestants.push(contestants::prepare_sqs_consumer(workspace, common).await?);
    }
    Ok(contestants)
}

fn is_package(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file()
}

async fn report(
    contestants: &[Contestant],
    drains: &[Drain],
    messages: usize,
    common: &Common,
    others: String,
) -> Report {
    let columns = [
        "worker",
        "messages/s",
        "CPU s per 1,000",
        "peak RSS MB",
        "DynamoDB requests per message",
        "SQS requests per message",
        "effects",
    ];
    let mut table = Table::new(format!("{messages} messages waiting in a queue"), &columns);
    table.rows = contestants
        .iter()
        .map(|contestant| row(&of(contestant, drains)))
        .collect();
    let mut tables = vec![table];
    tables.extend(goal(contestants, drains).map(|goal| goals_table(&[goal])));
    Report {
        name: "worker".into(),
        title: "Worker".into(),
        notes: vec![
            "From the first message a worker received to the last one deleted, medians of rounds in turn, against one \
             MiniStack for the queue and for DynamoDB. MiniStack itself is the slower part of both."
                .into(),
            others,
        ],
        environment: Environment::look(common.quick).await,
        tables,
        data: drains.iter().map(data).collect(),
    }
}

fn of<'a>(contestant: &Contestant, drains: &'a [Drain]) -> Vec<&'a Drain> {
    drains.iter().filter(|drain| drain.worker == contestant.name).collect()
}

fn row(drains: &[&Drain]) -> Vec<String> {
    let mean = |of: fn(&Drain) -> f64| drains.iter().map(|drain| of(drain)).sum::<f64>() / drains.len() as f64;
    let verdict = drains
        .iter()
        .fold(crate::lab::verdict::Verdict::default(), |sum, drain| {
            sum.merged(drain.verdict)
        });
    vec![
        drains.first().map_or_else(String::new, |drain| drain.worker.clone()),
        format!("{:.0}", messages_per_s(drains)),
        format!("{:.3}", mean(Drain::cpu_s_per_1000)),
        format!("{:.1}", mean(|drain| drain.peak_rss_kib as f64 * 1_024.0 / 1e6)),
        format!("{:.2}", mean(Drain::dynamodb_requests_per_message)),
        format!("{:.2}", mean(Drain::sqs_requests_per_message)),
        verdict.in_words(),
    ]
}

fn messages_per_s(drains: &[&Drain]) -> f64 {
    let elapsed = median(&drains.iter().map(|drain| drain.elapsed).collect::<Vec<_>>());
    drains
        .first()
        .map_or(f64::NAN, |drain| drain.messages as f64 / elapsed.as_secs_f64())
}

fn goal(contestants: &[Contestant], drains: &[Drain]) -> Option<Goal> {
    let rate = |name| {
        contestants
            .iter()
            .find(|each| each.name == name)
            .map(|each| messages_per_s(&of(each, drains)))
    };
    let (ours, theirs) = (rate(OURS)?, rate(SQS_CONSUMER)?);
    Some(Goal::new(
        "time per message against sqs-consumer",
        theirs / ours,
        TIME_OF_SQS_CONSUMER,
        "x",
    ))
}

fn data(drain: &Drain) -> Value {
    json!({
        "worker": drain.worker,
        "messages": drain.messages,
        "elapsedMs": drain.elapsed.as_secs_f64() * 1_000.0,
        "cpuSecondsPer1000": drain.cpu_s_per_1000(),
        "peakRssKib": drain.peak_rss_kib,
        "requestsByOperation": drain.tally.by_operation,
        "effects": drain.verdict.in_words(),
    })
}
