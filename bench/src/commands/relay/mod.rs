//! The relay under a steady load: events appended at a rate, and how long after its commit each one is published.

mod load;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::cli::{self, Common};
use crate::contestants;
use crate::lab::deployed::Deployed;
use crate::report::{Environment, Report, Table};
use crate::statistics::{ms, percentile};
use crate::workspace::Workspace;
use load::Load;

const RELAY: &str = "relay";
const PER_SECOND: usize = 1_000;
const SECONDS: u64 = 60;
const SECONDS_QUICK: u64 = 5;
/// How long the relay may take for the rest once nothing is appended any more.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Relay) -> Result<()> {
    let per_second = options.per_second.unwrap_or(PER_SECOND);
    let seconds = options
        .seconds
        .unwrap_or(if common.quick { SECONDS_QUICK } else { SECONDS });
    let binary = contestants::build_functions(workspace, common, &[RELAY])
        .await?
        .remove(0)
        .binary;
    let deployed = Deployed::start(workspace, RELAY, &binary).await?;
    let load = Load {
        table: deployed.output("EventsTableName")?.to_owned(),
        per_second,
        seconds,
    };
    eprintln!("appending {per_second} events/s for {seconds} s");
    let begun = Instant::now();
    let appended = load.append(&deployed.dynamodb).await?;
    let appending = begun.elapsed();
    let published = wait_until_published(&deployed, appended).await?;
    let all = begun.elapsed();
    let lags = lags_in(&published);
    let requests_failed = sum(&published, "HeldBack") + sum(&published, "Parked") + sum(&published, "GapsPassed");
    deployed.end().await?;

    let mut table = Table::new(
        format!("{per_second} events/s offered for {seconds} s, over 1,000 aggregates"),
        &[
            "appended/s",
            "published",
            "published/s",
            "lag p50 ms",
            "lag p99 ms",
            "lag max ms",
            "held back, parked, gaps",
        ],
    );
    table.rows = vec![vec![
        format!("{:.0}", appended as f64 / appending.as_secs_f64()),
        sum(&published, "Published").to_string(),
        format!("{:.0}", appended as f64 / all.as_secs_f64()),
        format!("{:.0}", ms(percentile(&lags, 50.0))),
        format!("{:.0}", ms(percentile(&lags, 99.0))),
        format!("{:.0}", ms(percentile(&lags, 100.0))),
        requests_failed.to_string(),
    ]];
    let lag_ms = [50.0, 90.0, 99.0, 100.0].map(|percent| ms(percentile(&lags, percent)));
    let report = Report {
        name: "relay".into(),
        title: "Relay".into(),
        notes: vec![
            "The whole stack on MiniStack: rows put into the events table, its stream, the relay's function, SNS, the FIFO \
             topic and EventBridge. MiniStack is one Python process on the same cores and takes part in every step, so this \
             is what the local AWS carries and not what the relay could. Lag is from the stream's time of writing, whole \
             seconds on MiniStack, to when every destination has taken the event."
                .into(),
        ],
        environment: Environment::look(common.quick).await,
        tables: vec![table],
        data: json!({
            "perSecond": per_second, "seconds": seconds, "appended": appended,
            "appendingMs": ms(appending), "allMs": ms(all),
            "lagMs": lag_ms,
        }),
    };
    report.publish(workspace)
}

/// The relay's metric lines, once they tell of so many events.
async fn wait_until_published(deployed: &Deployed, appended: u64) -> Result<Vec<Value>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let lines = deployed.metric_lines("RelayLogs").await?;
        let published = sum(&lines, "Published");
        if published >= appended {
            return Ok(lines);
        }
        if Instant::now() > deadline {
            bail!("only {published} of {appended} events were published");
        }
        eprintln!("published {published} of {appended}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

fn sum(lines: &[Value], metric: &str) -> u64 {
    lines.iter().filter_map(|line| line[metric].as_u64()).sum()
}

fn lags_in(lines: &[Value]) -> Vec<Duration> {
    let values = lines.iter().filter_map(|line| line["RelayLag"].as_array()).flatten();
    values
        .filter_map(|value| Some(Duration::from_secs_f64(value.as_f64()? / 1_000.0)))
        .collect()
}
