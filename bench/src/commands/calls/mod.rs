//! What a call to another service costs, and what a client does to a service that fails: ours beside undici, opossum, jose.

mod downstream;
mod outage;

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{self, Common};
use crate::contestants::callers;
use crate::lab::line_process::LineProcess;
use crate::lab::machine::Watch;
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::statistics::{median, percentile};
use crate::workspace::Workspace;
use downstream::Downstream;
use outage::Phase;

#[derive(Deserialize)]
struct Times {
    ns: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Each {
    ns_each: f64,
}

#[derive(Deserialize)]
struct Signed {
    tokens: Vec<String>,
    audience: String,
    key: Value,
}

/// One line of a table.
struct Line {
    who: &'static str,
    what: String,
    times: Vec<Duration>,
    cpu_each: Duration,
}

struct Plan {
    gets: usize,
    decisions: u32,
    tokens: usize,
    seconds: u32,
}

impl Plan {
    fn of(common: &Common, options: &cli::Calls) -> Self {
        let (gets, decisions, tokens, seconds) = if common.quick {
            (200, 100_000, 50, 3)
        } else {
            (20_000, 10_000_000, 1_000, 30)
        };
        Self {
            gets,
            decisions,
            tokens,
            seconds: options.seconds.unwrap_or(seconds),
        }
    }
}

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Calls) -> Result<()> {
    let plan = Plan::of(common, options);
    let (ours, node) = callers::prepare(workspace, common).await?;
    let downstream = Downstream::start().await?;
    let machine = Watch::start(None)?;
    let mut ours = LineProcess::start(&ours)?;
    let mut node = LineProcess::start(&node)?;

    let gets = gets(&mut ours, &mut node, &downstream, &plan).await?;
    let tokens = tokens(&mut ours, &mut node, &plan).await?;
    let breaker = json!({"task": "breaker", "times": plan.decisions});
    let our_decision: Each = ours.ask(&breaker).await?;
    let node_decision: Each = node
        .ask(&json!({"task": "breaker", "times": plan.decisions / 10}))
        .await?;
    let mut phases = Vec::new();
    for percent in [50, 100] {
        for way in ["plain", "retry", "retry and circuit"] {
            phases.push(outage::run("ours", &mut ours, &downstream, way, percent, plan.seconds).await?);
        }
        phases.push(outage::run("undici", &mut node, &downstream, "retry", percent, plan.seconds).await?);
    }
    let decisions = (our_decision.ns_each, node_decision.ns_each);
    report(common, &gets, &tokens, decisions, &phases, machine.in_words()?)
        .await
        .publish(workspace)
}

async fn gets(
    ours: &mut LineProcess,
    node: &mut LineProcess,
    downstream: &Downstream,
    plan: &Plan,
) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for client in ["bare", "plain", "retry", "retry and cache"] {
        lines.push(get("ours", ours, client, downstream, plan).await?);
    }
    for client in ["plain", "retry", "retry and cache"] {
        lines.push(get("undici", node, client, downstream, plan).await?);
    }
    Ok(lines)
}

async fn get(
    who: &'static str,
    caller: &mut LineProcess,
    client: &str,
    downstream: &Downstream,
    plan: &Plan,
) -> Result<Line> {
    eprintln!("calls: {who}, {client} ...");
    let task = |times| json!({"task": "gets", "client": client, "url": downstream.url(), "times": times});
    // Connections are opened and code is compiled by calls that do not count.
    caller.ask::<Times>(&task(plan.gets / 10)).await?;
    measured(who, client.to_owned(), caller, &task(plan.gets)).await
}

async fn measured(who: &'static str, what: String, caller: &mut LineProcess, task: &Value) -> Result<Line> {
    let before = caller.usage()?.cpu;
    let Times { ns } = caller.ask(task).await?;
    let cpu = caller.usage()?.cpu.saturating_sub(before);
    let cpu_each = cpu / u32::try_from(ns.len().max(1))?;
    Ok(Line {
        who,
        what,
        times: ns.into_iter().map(Duration::from_nanos).collect(),
        cpu_each,
    })
}

async fn tokens(ours: &mut LineProcess, node: &mut LineProcess, plan: &Plan) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for algorithm in ["EdDSA", "ES256"] {
        eprintln!("tokens: {algorithm} ...");
        let task = json!({"task": "sign", "algorithm": algorithm, "times": plan.tokens});
        let signed: Signed = ours.ask(&task).await?;
        let check = |tokens: &[String]| {
            json!({
                "task": "tokens", "tokens": tokens, "key": signed.key, "algorithm": algorithm,
                "issuer": "https://bench.internal", "audience": signed.audience,
            })
        };
        let again = vec![signed.tokens[0].clone(); plan.tokens];
        for (who, caller) in [("ours", &mut *ours), ("jose", &mut *node)] {
            caller.ask::<Times>(&check(&signed.tokens)).await?;
            let first = measured(who, format!("{algorithm}, each once"), caller, &check(&signed.tokens)).await?;
            let known = measured(who, format!("{algorithm}, one again"), caller, &check(&again)).await?;
            lines.extend([first, known]);
        }
    }
    Ok(lines)
}

async fn report(
    common: &Common,
    gets: &[Line],
    tokens: &[Line],
    (ours, opossum): (f64, f64),
    phases: &[Phase],
    others: String,
) -> Report {
    let mut breaker = Table::new(
        "A closed circuit around a call that does nothing",
        &["caller", "ns per call"],
    );
    breaker.rows = vec![
        vec!["ours".to_owned(), format!("{ours:.0}")],
        vec!["opossum".to_owned(), format!("{opossum:.0}")],
    ];
    let tables = vec![
        times_table("Sequential GETs of 1 KB JSON on one connection", gets),
        times_table("Checks of a service token", tokens),
        breaker,
        outage::table(phases),
        goals_table(&goals(gets, tokens, ours, phases)),
    ];
    Report {
        name: "calls".into(),
        title: "Calls to another service".into(),
        notes: vec![
            "One process and one thread for each caller, in turn, against one service on the loopback. The client without \
             anything around it is hyper-util's; undici retries and caches by its own interceptors, with the attempts and \
             waits of our preset. A service that fails answers 503; the load is 100 calls a second."
                .to_owned(),
            others,
        ],
        environment: Environment::look(common.quick).await,
        tables,
        data: json!({
            "gets": gets.iter().map(data).collect::<Vec<_>>(),
            "tokens": tokens.iter().map(data).collect::<Vec<_>>(),
            "breakerNs": {"ours": ours, "opossum": opossum},
            "outages": phases.iter().map(Phase::data).collect::<Vec<_>>(),
        }),
    }
}

fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn times_table(title: &str, lines: &[Line]) -> Table {
    let mut table = Table::new(title, &["caller", "how", "p50 us", "p99 us", "CPU us"]);
    table.rows = lines
        .iter()
        .map(|line| {
            vec![
                line.who.to_owned(),
                line.what.clone(),
                format!("{:.1}", us(median(&line.times))),
                format!("{:.1}", us(percentile(&line.times, 99.0))),
                format!("{:.1}", us(line.cpu_each)),
            ]
        })
        .collect();
    table
}

fn data(line: &Line) -> Value {
    json!({
        "caller": line.who,
        "how": line.what,
        "p50Us": us(median(&line.times)),
        "p99Us": us(percentile(&line.times, 99.0)),
        "cpuUs": us(line.cpu_each),
    })
}

fn goals(gets: &[Line], tokens: &[Line], breaker_ns: f64, phases: &[Phase]) -> Vec<Goal> {
    let find = |lines: &[Line], who: &str, what: &str| {
        let line = lines.iter().find(|line| line.who == who && line.what == what);
        line.map_or((f64::NAN, f64::NAN), |line| {
            (us(median(&line.times)), us(line.cpu_each))
        })
    };
    let (bare, _) = find(gets, "ours", "bare");
    let (full, full_cpu) = find(gets, "ours", "retry");
    let (_, undici_cpu) = find(gets, "undici", "retry");
    let (_, cached_cpu) = find(gets, "ours", "retry and cache");
    let (_, undici_cached_cpu) = find(gets, "undici", "retry and cache");
    let mut goals = vec![
        Goal::new("p50 of the client above the bare HTTP library", full - bare, 50.0, "us"),
        Goal::new(
            "CPU of a call against undici with retries",
            full_cpu / undici_cpu,
            0.2,
            "x",
        ),
        Goal::new(
            "CPU of a cached call against undici's",
            cached_cpu / undici_cached_cpu,
            0.2,
            "x",
        ),
        Goal::new("decision of a closed circuit", breaker_ns, 100.0, "ns"),
    ];
    for algorithm in ["EdDSA", "ES256"] {
        let (first, _) = find(tokens, "ours", &format!("{algorithm}, each once"));
        let (jose, _) = find(tokens, "jose", &format!("{algorithm}, each once"));
        let (known, _) = find(tokens, "ours", &format!("{algorithm}, one again"));
        goals.push(Goal::new(
            format!("first check of an {algorithm} token against jose"),
            first / jose,
            0.5,
            "x",
        ));
        goals.push(Goal::new(
            format!("check of a known {algorithm} token"),
            known,
            2.0,
            "us",
        ));
    }
    for phase in phases.iter().filter(|phase| phase.is_ours("retry")) {
        let what = format!("requests per call with {} % failing", phase.percent);
        goals.push(Goal::new(what, phase.load(), 1.1, "x"));
    }
    goals
}
