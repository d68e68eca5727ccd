//! Orders through the whole storefront: how long their sagas take, and what the orchestrator asks of DynamoDB for them.

mod counted;
mod prices;
mod report;
mod running;
mod shop;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cli::{self, Common};
use crate::contestants;
use crate::lab::aws_json::http_client;
use crate::lab::deployed::Deployed;
use crate::lab::proxy::{Proxy, Upstream};
use crate::lab::server::free_port;
use crate::workspace::Workspace;
use counted::{Counted, sum};
use report::Measured;
use running::IN_FLIGHT_MAX;
use shop::Shop;

const ORCHESTRATOR: &str = "orchestrator";
const ORDERS: usize = 1_000;
const ORDERS_QUICK: usize = 20;
const IN_FLIGHT: usize = 32;
/// How long the last metric lines may take to reach the logs.
const LOGS_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Sagas) -> Result<()> {
    let orders = options
        .orders
        .unwrap_or(if common.quick { ORDERS_QUICK } else { ORDERS });
    let in_flight = options.in_flight.unwrap_or(IN_FLIGHT);
    ensure!(orders > 0, "--orders has to be at least 1");
    ensure!(
        (1..=IN_FLIGHT_MAX).contains(&in_flight),
        "--in-flight has to be from 1 to {IN_FLIGHT_MAX}"
    );
    let binary = contestants::build_functions(workspace, common, &[ORCHESTRATOR])
        .await?
        .remove(0)
        .binary;
    let port = free_port()?;
    let upstream = Upstream::of_any_service(format!("127.0.0.1:{port}"), http_client());
    let proxy = Proxy::start(upstream, Duration::ZERO).await?;
    let behind_proxy = start_script(workspace, &binary, &proxy.url())?;
    let deployed = Deployed::start_at(workspace, ORCHESTRATOR, &behind_proxy, port).await;
    // What is deployed later is to be the function itself again.
    fs::copy(&binary, workspace.root.join("build/lambda/orchestrator/bootstrap"))?;
    let deployed = deployed?;
    let shop = Shop::open(&deployed, orders).await?;

    eprintln!("{orders} orders, {in_flight} at a time");
    let begun = Instant::now();
    let sagas = running::run_all(&deployed, &shop, orders, in_flight).await?;
    let elapsed = begun.elapsed();
    let ending = shop.look(orders).await?;
    let transitions = sagas.iter().map(|saga| saga.transitions).sum();
    let lines = metric_lines(&deployed, transitions).await?;
    let counted = Counted::of(&proxy.take_exchanges());
    deployed.end().await?;
    ending.check(orders)?;
    ensure!(counted.requests > 0, "no request of the orchestrator passed the proxy");
    let measured = Measured {
        in_flight,
        elapsed,
        sagas,
        lines,
        counted,
        ending,
    };
    measured.report(common.quick).await.publish(workspace)
}

/// A local AWS tells every function where AWS is, last. This comes after it: the function, told that AWS is at `url`, with the
/// deadlines it has on AWS; those of one machine are too short for one that is busy.
fn start_script(workspace: &Workspace, binary: &Path, url: &str) -> Result<PathBuf> {
    let script = workspace.cache.join("orchestrator-behind-proxy");
    let text = format!(
        "#!/bin/sh\nexport AWS_ENDPOINT_URL='{url}' ANSWER_DEADLINE_S=30 PAYMENT_DEADLINE_S=60\nexec '{}'\n",
        binary.display()
    );
    fs::write(&script, text).with_context(|| format!("cannot write {}", script.display()))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

/// The orchestrator's metric lines, once they tell of all transitions or no more seem to come.
async fn metric_lines(deployed: &Deployed, transitions: u64) -> Result<Vec<Value>> {
    let deadline = Instant::now() + LOGS_PATIENCE;
    loop {
        let lines = deployed.metric_lines("OrchestratorLogs").await?;
        if sum(&lines, "Handled") >= transitions || Instant::now() > deadline {
            return Ok(lines);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
