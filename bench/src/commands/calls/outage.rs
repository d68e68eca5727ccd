//! A service that fails for a while: what its callers get, and what they do to it.

use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::downstream::Downstream;
use crate::lab::line_process::LineProcess;
use crate::report::Table;

const PER_SECOND: u32 = 100;
/// How long the service works again while calls go on.
const AFTERWARDS: u32 = 10;

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    at_ms: u64,
    ok: bool,
}

/// One caller, one way of calling, one share of failures.
pub(crate) struct Phase {
    who: &'static str,
    way: &'static str,
    pub(crate) percent: u32,
    calls: usize,
    succeeded: usize,
    requests: u64,
    /// From the end of the failures to the first call after which none failed.
    recovered: Duration,
}

impl Phase {
    pub(crate) fn is_ours(&self, way: &str) -> bool {
        self.who == "ours" && self.way == way
    }

    /// Requests that reached the service for each call that was made.
    pub(crate) fn load(&self) -> f64 {
        self.requests as f64 / self.calls as f64
    }

    pub(crate) fn data(&self) -> Value {
        json!({
            "caller": self.who, "how": self.way, "failingPercent": self.percent, "calls": self.calls,
            "succeeded": self.succeeded, "requests": self.requests, "recoveredMs": self.recovered.as_millis(),
        })
    }
}

pub(crate) async fn run(
    who: &'static str,
    caller: &mut LineProcess,
    downstream: &Downstream,
    way: &'static str,
    percent: u32,
    seconds: u32,
) -> Result<Phase> {
    eprintln!("outage: {percent} % for {seconds} s, {who}, {way} ...");
    let task = json!({
        "task": "load", "client": way, "url": downstream.url(),
        "perSecond": PER_SECOND, "seconds": seconds + AFTERWARDS,
    });
    let failing = Duration::from_secs(seconds.into());
    downstream.fail(percent);
    downstream.take_requests();
    let outage = async {
        tokio::time::sleep(failing).await;
        let requests = downstream.take_requests();
        downstream.fail(0);
        requests
    };
    let (answer, requests) = tokio::join!(caller.ask::<Outcomes>(&task), outage);
    let outcomes = answer?.outcomes;
    let end_ms = u64::try_from(failing.as_millis()).unwrap_or(u64::MAX);
    let during: Vec<_> = outcomes.iter().filter(|outcome| outcome.at_ms < end_ms).collect();
    let last_failure = outcomes
        .iter()
        .filter(|outcome| !outcome.ok)
        .map(|outcome| outcome.at_ms)
        .max();
    Ok(Phase {
        who,
        way,
        percent,
        calls: during.len(),
        succeeded: during.iter().filter(|outcome| outcome.ok).count(),
        requests,
        recovered: Duration::from_millis(last_failure.unwrap_or_default().saturating_sub(end_ms)),
    })
}

pub(crate) fn table(phases: &[Phase]) -> Table {
    let columns = [
        "failing",
        "caller",
        "how",
        "succeeded %",
        "requests per call",
        "last failure after the end, ms",
    ];
    let mut table = Table::new("A service that fails", &columns);
    table.rows = phases
        .iter()
        .map(|phase| {
            vec![
                format!("{} %", phase.percent),
                phase.who.to_owned(),
                phase.way.to_owned(),
                format!("{:.1}", 100.0 * phase.succeeded as f64 / phase.calls as f64),
                format!("{:.2}", phase.load()),
                phase.recovered.as_millis().to_string(),
            ]
        })
        .collect();
    table
}
