//! What goes wrong on the wire, and how often: rules for microburst, the proxy before the local AWS.
//!
//! Each rule is for one operation and one kind of fault, so that microburst's own count of a rule says what happened to
//! what.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::outages::{self, Outage};
use crate::api::{get, request};
use crate::deployment::Deployment;

/// A service whose operations fail, and how its errors look: code and HTTP status, as AWS documents them.
struct Service {
    /// As requests are signed for it.
    name: &'static str,
    operations: &'static [&'static str],
    throttled: (&'static str, u16),
    failed: (&'static str, u16),
}

/// Every service that functions and workers speak to, with every operation they use.
const SERVICES: [Service; 6] = [
    Service {
        name: "dynamodb",
        operations: &[
            "TransactWriteItems",
            "GetItem",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "Query",
            "Scan",
            "BatchGetItem",
            "BatchWriteItem",
            "ExecuteStatement",
            "BatchExecuteStatement",
        ],
        throttled: ("ProvisionedThroughputExceededException", 400),
        failed: ("InternalServerError", 500),
    },
    Service {
        name: "sqs",
        operations: &[
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
            "DeleteMessageBatch",
            "ChangeMessageVisibilityBatch",
        ],
        throttled: ("RequestThrottled", 400),
        failed: ("InternalFailure", 500),
    },
    Service {
        name: "sns",
        operations: &["Publish", "PublishBatch"],
        throttled: ("Throttled", 429),
        failed: ("InternalError", 500),
    },
    Service {
        name: "events",
        operations: &["PutEvents"],
        throttled: ("ThrottlingException", 400),
        failed: ("InternalException", 500),
    },
    Service {
        name: "s3",
        operations: &["PutObject", "GetObject"],
        throttled: ("SlowDown", 503),
        failed: ("InternalError", 500),
    },
    Service {
        name: "ses",
        operations: &["SendEmail"],
        throttled: ("Throttling", 400),
        failed: ("InternalFailure", 500),
    },
];

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// Refused, as AWS does when there is too much of it.
    Throttled,
    /// Answered with an internal error.
    Failed,
    /// Answered with 503.
    Unavailable,
    /// Refused because of another transaction, which a local AWS never does by itself.
    Conflicting,
    /// The connection ends before the request is served.
    CutBefore,
    /// The request is served, and the connection ends instead of the answer.
    CutAfter,
    /// Never served, never answered in time.
    Unanswered,
    /// Served only after its sender has given up on it.
    Late,
    /// Served late, but in time.
    Slow,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Throttled,
        Self::Failed,
        Self::Unavailable,
        Self::Conflicting,
        Self::CutBefore,
        Self::CutAfter,
        Self::Unanswered,
        Self::Late,
        Self::Slow,
    ];

    /// The share of requests that it strikes.
    fn probability(self) -> f64 {
        match self {
            Self::Throttled | Self::CutAfter | Self::Conflicting => 0.04,
            Self::Failed | Self::CutBefore | Self::Slow => 0.03,
            Self::Unavailable => 0.02,
            // Each of them costs its sender the whole of its patience.
            Self::Unanswered | Self::Late => 0.004,
        }
    }
}

/// How long a request is held that nobody is to wait for: more than the 2 s that functions wait here.
const BEYOND_PATIENCE_MS: u32 = 2_500;
const SLOW_MS: (u32, u32) = (50, 500);
/// Transactions of so many actions are struck by conflicts; each number is a rule of its own, as a conflict names a reason
/// for each action.
const ACTIONS_IN_CONFLICT: std::ops::RangeInclusive<usize> = 1..=12;

struct Rule {
    service: &'static str,
    operation: &'static str,
    kind: Kind,
    /// As microburst reads it.
    text: Value,
}

/// The wire between the functions of a deployment and its local AWS.
pub(crate) struct Wire {
    control: String,
    rules: Vec<Rule>,
    outages: Vec<Outage>,
}

/// How often something happened to requests.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Injected {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) kind: Kind,
    pub(crate) count: u64,
}

/// How many requests of a service went over the wire.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Requests {
    pub(crate) service: String,
    pub(crate) requests: u64,
}

impl Wire {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let rules = SERVICES.iter().flat_map(Service::rules).collect();
        Self {
            control: format!("{}/_microburst", deployment.functions_endpoint),
            rules,
            outages: Vec::new(),
        }
    }

    /// From now on, requests fail, and one dependency after the other is out for so long.
    pub(crate) fn damage(&mut self, deployment: &Deployment, lasts: Duration) {
        self.outages = outages::one_after_the_other(deployment, lasts);
        self.set_rules(&self.rules());
    }

    /// The rules, as microburst reads them.
    pub(crate) fn rules(&self) -> Value {
        let passing = self.rules.iter().map(|rule| rule.text.clone());
        passing
            .chain(self.outages.iter().map(|outage| outage.rule.clone()))
            .collect()
    }

    /// How many outages are still to come, or go on.
    pub(crate) fn outages_left(&self) -> usize {
        self.outages.iter().filter(|outage| !outage.is_over()).count()
    }

    /// The outages, and how many requests met each.
    pub(crate) fn outages(&self) -> Vec<Outage> {
        let counts = self.counts().split_off(self.rules.len());
        let met = |(outage, requests): (&Outage, u64)| Outage {
            requests,
            ..outage.clone()
        };
        self.outages.iter().zip(counts).map(met).collect()
    }

    /// How often each rule struck, in their order.
    fn counts(&self) -> Vec<u64> {
        let answer = get(&format!("{}/rules", self.control));
        let counted = answer.body.as_array().unwrap();
        let rules = self.rules.len() + self.outages.len();
        assert_eq!(counted.len(), rules, "microburst keeps rules in their order");
        let count = |rule: &Value| rule["fired_count"].as_u64().unwrap();
        counted.iter().map(count).collect()
    }

    /// From now on, all is well. Gives what was wrong until now.
    pub(crate) fn mend(&self) -> Vec<Injected> {
        let injected = self.injected();
        self.set_rules(&json!([]));
        injected
    }

    /// All that happened since the wire was damaged.
    pub(crate) fn injected(&self) -> Vec<Injected> {
        let mut injected: Vec<Injected> = Vec::new();
        for (rule, count) in self.rules.iter().zip(self.counts()).filter(|(_, count)| *count > 0) {
            let place = (rule.service, rule.operation, rule.kind);
            match injected
                .iter_mut()
                .find(|known| (known.service, known.operation, known.kind) == place)
            {
                Some(known) => known.count += count,
                None => injected.push(Injected {
                    service: rule.service,
                    operation: rule.operation,
                    kind: rule.kind,
                    count,
                }),
            }
        }
        injected
    }

    /// How many requests went over it, by service.
    pub(crate) fn requests(&self) -> Vec<Requests> {
        let answer = get(&format!("{}/stats", self.control));
        let services = answer.body["by_service"].as_array().unwrap();
        let requests = services.iter().map(|service| Requests {
            service: service["service"].as_str().unwrap().to_owned(),
            requests: service["requests"].as_u64().unwrap(),
        });
        requests.collect()
    }

    fn set_rules(&self, rules: &Value) {
        let answer = request("POST", &format!("{}/rules", self.control), Some(rules));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

impl Service {
    fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for operation in self.operations {
            for kind in Kind::ALL {
                let places = self.effects(operation, kind).into_iter().map(|effect| Rule {
                    service: self.name,
                    operation,
                    kind,
                    text: with_place(effect, self.name, operation, kind),
                });
                rules.extend(places);
            }
        }
        rules
    }

    /// What microburst is to do; nothing for what cannot happen to the operation.
    fn effects(&self, operation: &str, kind: Kind) -> Vec<Value> {
        let error = |(code, status): (&str, u16)| json!({"error": {"code": code, "status": status}});
        match kind {
            Kind::Throttled => vec![error(self.throttled)],
            Kind::Failed => vec![error(self.failed)],
            Kind::Unavailable => vec![error(("ServiceUnavailable", 503))],
            Kind::Conflicting => match operation {
                "TransactWriteItems" => ACTIONS_IN_CONFLICT.map(conflict).collect(),
                "PutItem" | "UpdateItem" | "DeleteItem" => vec![error(("TransactionConflictException", 400))],
                _ => Vec::new(),
            },
            Kind::CutBefore => vec![json!({"reset": true})],
            // It cuts at the first byte of the body, and S3 answers this without one.
            Kind::CutAfter if operation == "PutObject" => Vec::new(),
            Kind::CutAfter => vec![json!({"response": {"abort_bytes": 0}})],
            Kind::Unanswered => vec![json!({"timeout_ms": BEYOND_PATIENCE_MS})],
            Kind::Late => vec![json!({"latency": BEYOND_PATIENCE_MS})],
            Kind::Slow => vec![json!({"latency": {"min": SLOW_MS.0, "max": SLOW_MS.1}})],
        }
    }
}

/// A transaction of so many actions is cancelled, because of another one on what the first of them writes.
fn conflict(actions: usize) -> Value {
    let mut reasons = vec![json!({"Code": "None"}); actions];
    reasons[0] = json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"});
    json!({
        "body": format!("length(TransactItems) == `{actions}`"),
        "error": {
            "code": "TransactionCanceledException", "status": 400,
            "fields": {"CancellationReasons": reasons},
        },
    })
}

fn with_place(mut effect: Value, service: &str, operation: &str, kind: Kind) -> Value {
    effect["service"] = json!(service);
    effect["operation"] = json!(operation);
    effect["probability"] = json!(kind.probability());
    effect
}
