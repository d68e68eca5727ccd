//! Sagas under way: never more than so many at a time, each followed until it has ended.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::http::Method;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::commands::sagas::shop::Shop;
use crate::lab::aws_json::http_client;
use crate::lab::deployed::Deployed;
use crate::lab::json_api::ask;

const LOOK: Duration = Duration::from_millis(250);
/// On AWS a schedule does it every minute.
const SWEEP: Duration = Duration::from_secs(5);
/// How long no saga at all may end.
const PATIENCE: Duration = Duration::from_secs(180);
/// The most keys of one `BatchGetItem`.
pub(crate) const IN_FLIGHT_MAX: usize = 100;

/// A saga that went well.
#[derive(Debug)]
pub(crate) struct Completed {
    /// From its first transition to its last.
    pub(crate) took: Duration,
    pub(crate) transitions: u64,
    /// More than its steps when an answer was late and the command went out again.
    pub(crate) commands: u64,
}

/// Places the orders as others end, and gives what each saga says of itself.
pub(crate) async fn run_all(
    deployed: &Deployed,
    shop: &Shop<'_>,
    orders: usize,
    in_flight: usize,
) -> Result<Vec<Completed>> {
    let (client, mut swept) = (http_client(), Instant::now());
    let sweeper = format!(
        "{}/2015-03-31/functions/{}/invocations",
        deployed.endpoint,
        deployed.output("SweeperFunctionName")?
    );
    let (mut placed, mut open, mut completed) = (0, BTreeSet::new(), Vec::with_capacity(orders));
    let mut progress = Instant::now();
    while completed.len() < orders {
        let more = placed..orders.min(placed + in_flight - open.len());
        placed = more.end;
        open.extend(more.clone().map(|number| shop.order_id(number)));
        try_join_all(more.map(|number| shop.place(number))).await?;
        for (order_id, saga) in ended(deployed, &open).await? {
            open.remove(&order_id);
            completed.push(saga);
            progress = Instant::now();
            if completed.len() % 100 == 0 {
                eprintln!("{} of {orders} sagas completed", completed.len());
            }
        }
        ensure!(
            progress.elapsed() < PATIENCE,
            "no saga has ended for {PATIENCE:?}; {} of {orders} had completed",
            completed.len()
        );
        if swept.elapsed() > SWEEP {
            ask(&client, Method::POST, &sweeper, Some(&json!({}))).await?;
            swept = Instant::now();
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(completed)
}

/// Which of the open sagas have ended, by the ids of their orders.
async fn ended(deployed: &Deployed, open: &BTreeSet<String>) -> Result<Vec<(String, Completed)>> {
    let table = deployed.output("SagasTableName")?;
    let keys: Vec<Value> = open
        .iter()
        .map(|order_id| json!({ "sagaId": { "S": format!("OrderSaga#{order_id}") } }))
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let input = json!({ "RequestItems": { table: {
        "Keys": keys,
        "ConsistentRead": true,
        "ProjectionExpression": "sagaId, #status, startedAt, updatedAt, version, streamVersion",
        "ExpressionAttributeNames": { "#status": "status" },
    } } });
    let answer = deployed.dynamodb.call("BatchGetItem", &input).await?;
    let rows = answer["Responses"][table].as_array().into_iter().flatten();
    rows.filter_map(|row| read(row).transpose()).collect()
}

fn read(row: &Value) -> Result<Option<(String, Completed)>> {
    let text = |name: &str| {
        let value = row[name]["S"].as_str().or_else(|| row[name]["N"].as_str());
        value.with_context(|| format!("a saga without `{name}`"))
    };
    let order_id = text("sagaId")?.trim_start_matches("OrderSaga#").to_owned();
    match text("status")? {
        "Completed" => {
            let at = |name| anyhow::Ok(OffsetDateTime::parse(text(name)?, &Rfc3339)?);
            let took = at("updatedAt")? - at("startedAt")?;
            let completed = Completed {
                took: took.unsigned_abs(),
                transitions: text("version")?.parse()?,
                commands: text("streamVersion")?.parse()?,
            };
            Ok(Some((order_id, completed)))
        }
        "Running" => Ok(None),
        other => bail!("the saga of {order_id} is {other}, and all were to go well"),
    }
}
