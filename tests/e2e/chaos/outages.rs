//! Faults that last: one dependency after the other is out for a while, for every function and worker.
//!
//! Each outage is a rule of microburst with a beginning and an end, so that nobody has to be there to begin or to end it.

use std::time::Duration;

use onecommit_environment::{Clock, SystemClock};
use serde::Serialize;
use serde_json::{Value, json};

use crate::deployment::Deployment;

/// An outage and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outage {
    pub(crate) what: &'static str,
    pub(crate) lasts_s: u64,
    /// Requests that met it.
    pub(crate) requests: u64,
    #[serde(skip)]
    pub(crate) ends_unix_ms: i64,
    /// As microburst reads it.
    #[serde(skip)]
    pub(crate) rule: Value,
}

/// Before the first outage, and between two: what waits goes on.
const PAUSE: Duration = Duration::from_secs(2);

/// One outage after the other, each for so long, from now on.
pub(crate) fn one_after_the_other(deployment: &Deployment, lasts: Duration) -> Vec<Outage> {
    let mut begins_unix_ms = SystemClock.now().plus(PAUSE).unix_ms();
    let mut outages = Vec::new();
    for (what, mut rule) in all(deployment, lasts) {
        let ends_unix_ms = begins_unix_ms + i64::try_from(lasts.as_millis()).unwrap();
        rule["active_at"] = json!(begins_unix_ms as f64 / 1000.0);
        rule["until"] = json!(ends_unix_ms as f64 / 1000.0);
        outages.push(Outage {
            what,
            lasts_s: lasts.as_secs(),
            requests: 0,
            ends_unix_ms,
            rule,
        });
        begins_unix_ms = ends_unix_ms + i64::try_from(PAUSE.as_millis()).unwrap();
    }
    outages
}

/// Each dependency, and how it is out: throttled, gone, broken, hanging; and what AWS answers those whose clocks are wrong.
fn all(deployment: &Deployment, lasts: Duration) -> [(&'static str, Value); 7] {
    let output = |name: &str| deployment.output(name);
    // Longer than the outage: whoever asks gives up before, or is answered by nobody.
    let hangs_ms = u64::try_from(lasts.as_millis()).unwrap();
    [
        (
            "the ledger is throttled",
            json!({
                "service": "dynamodb", "body": names(output("LedgerTableName")),
                "error": {"code": "ProvisionedThroughputExceededException", "status": 400},
            }),
        ),
        (
            "the events table cannot be reached",
            json!({"service": "dynamodb", "body": names(output("EventsTableName")), "reset": true}),
        ),
        (
            "the sagas table fails",
            json!({
                "service": "dynamodb", "body": names(output("SagasTableName")),
                "error": {"code": "InternalServerError", "status": 500},
            }),
        ),
        (
            "SQS is dead",
            json!({"service": "sqs", "error": {"code": "ServiceUnavailable", "status": 503}}),
        ),
        (
            "the topic is gone",
            json!({"service": "sns", "error": {"code": "NotFound", "status": 404}}),
        ),
        ("S3 hangs", json!({"service": "s3", "timeout_ms": hangs_ms})),
        (
            "clocks are 20 min off",
            json!({
                "service": "dynamodb",
                "error": {
                    "code": "InvalidSignatureException", "status": 400,
                    "message": "Signature expired: 20261122T070000Z is now earlier than 20261122T071500Z",
                },
            }),
        ),
    ]
}

/// Holds for a request whose body names this table, be it in a statement or in a transaction of several.
fn names(table: &str) -> String {
    format!(r#"contains(to_string(@), '"{table}"') || contains(to_string(@), '\"{table}\"')"#)
}

impl Outage {
    pub(crate) fn is_over(&self) -> bool {
        SystemClock.now().unix_ms() >= self.ends_unix_ms
    }
}
