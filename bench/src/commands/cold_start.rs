//! Process start to the first `next`, start after start in turn, and the size of the zip.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::cli::{self, Common};
use crate::contestants::{self, Contestant, build_functions};
use crate::lab::function::Function;
use crate::lab::machine::Watch;
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::statistics::{median, ms, percentile};
use crate::workspace::Workspace;

const SAMPLES: usize = 20;
const SAMPLES_QUICK: usize = 3;
const OURS: [&str; 2] = ["publisher", "consumer"];
const OTHERS: [&str; 3] = ["plain-rust", "node-powertools", "python-powertools"];
const CLIENT_ONLY: &str = "plain-rust-client-only";

struct Measured {
    contestant: Contestant,
    is_ours: bool,
    starts: Vec<Duration>,
}

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::ColdStart) -> Result<()> {
    let samples = options
        .samples
        .unwrap_or(if common.quick { SAMPLES_QUICK } else { SAMPLES });
    let mut measured = prepare(workspace, common, &options.contestants).await?;
    let machine = Watch::start(None)?;
    for sample in 0..=samples {
        eprintln!("cold start {sample}/{samples}");
        for each in &mut measured {
            let function = Function::start(&each.contestant.launch_idle()).await?;
            if sample > 0 {
                each.starts.push(function.cold_start);
            }
            function.stop().await?;
        }
    }
    report(&measured, samples, common, machine.in_words()?)
        .await
        .publish(workspace)
}

async fn prepare(workspace: &Workspace, common: &Common, only: &[String]) -> Result<Vec<Measured>> {
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let given = common
        .functions
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !OURS.contains(name));
    let ours: Vec<_> = OURS.into_iter().chain(given).filter(|name| is_wanted(name)).collect();
    let mut measured = Vec::new();
    for function in build_functions(workspace, common, &ours).await? {
        let contestant = function.contestant(workspace, &function.name, &[])?;
        measured.push(Measured {
            contestant,
            is_ours: true,
            starts: Vec::new(),
        });
    }
    if is_wanted(CLIENT_ONLY) {
        let contestant = contestants::prepare_client_only(workspace, common).await?;
        measured.push(Measured {
            contestant,
            is_ours: false,
            starts: Vec::new(),
        });
    }
    let others: Vec<_> = OTHERS
        .into_iter()
        .filter(|name| is_wanted(name))
        .map(str::to_owned)
        .collect();
    if !others.is_empty() {
        let contestants = contestants::prepare(workspace, common, &others).await?;
        measured.extend(contestants.into_iter().map(|contestant| Measured {
            contestant,
            is_ours: false,
            starts: Vec::new(),
        }));
    }
    Ok(measured)
}

async fn report(measured: &[Measured], samples: usize, common: &Common, others: String) -> Report {
    let mut table = Table::new("Cold start and size", &["function", "median ms", "p90 ms", "zip KB"]);
    table.rows = measured.iter().map(row).collect();
    let goals = goals(measured);
    let mut tables = vec![table];
    if !goals.is_empty() {
        tables.push(goals_table(&goals));
    }
    Report {
        name: "cold-start".into(),
        title: "Cold start".into(),
        notes: vec![
            format!(
                "Process start to the first `next` of the Lambda runtime API, {samples} starts of each in turn with the \
                 others, after one that does not count. The zip is deflate level 9."
            ),
            others,
        ],
        environment: Environment::look(common.quick).await,
        tables,
        data: measured.iter().map(data).collect(),
    }
}

fn row(measured: &Measured) -> Vec<String> {
    vec![
        measured.contestant.name.clone(),
        format!("{:.1}", ms(median(&measured.starts))),
        format!("{:.1}", ms(percentile(&measured.starts, 90.0))),
        format!("{:.0}", measured.contestant.zip_bytes as f64 / 1_000.0),
    ]
}

fn data(measured: &Measured) -> serde_json::Value {
    json!({
        "function": measured.contestant.name,
        "zipBytes": measured.contestant.zip_bytes,
        "startsMs": measured.starts.iter().copied().map(ms).collect::<Vec<_>>(),
    })
}

/// Ours beside a function with nothing but one default client.
fn goals(measured: &[Measured]) -> Vec<Goal> {
    let Some(yardstick) = measured.iter().find(|each| each.contestant.name == CLIENT_ONLY) else {
        return Vec::new();
    };
    let yardstick = ms(median(&yardstick.starts));
    let ours = measured.iter().filter(|each| each.is_ours);
    ours.flat_map(|each| {
        let name = &each.contestant.name;
        let ratio = ms(median(&each.starts)) / yardstick;
        let zip_mb = each.contestant.zip_bytes as f64 / 1e6;
        [
            Goal::new(format!("cold start of {name} against {CLIENT_ONLY}"), ratio, 0.5, "x"),
            Goal::new(format!("zip of {name}"), zip_mb, 4.0, "MB"),
        ]
    })
    .collect()
}
