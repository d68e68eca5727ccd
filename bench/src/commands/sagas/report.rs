//! What was measured, as tables.

use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::sagas::counted::{Counted, sum};
use crate::commands::sagas::prices;
use crate::commands::sagas::running::Completed;
use crate::commands::sagas::shop::Ending;
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::statistics::percentile;

const METRICS: [&str; 6] = [
    "Handled",
    "DynamoDbRequests",
    "Duplicates",
    "Retries",
    "Reruns",
    "Parked",
];
/// For each message handled.
const REQUESTS_PER_STEP_MAX: f64 = 1.0;

/// A run, all of whose sagas went well.
pub(crate) struct Measured {
    pub(crate) in_flight: usize,
    pub(crate) elapsed: Duration,
    pub(crate) sagas: Vec<Completed>,
    pub(crate) lines: Vec<Value>,
    pub(crate) counted: Counted,
    pub(crate) ending: Ending,
}

impl Measured {
    pub(crate) async fn report(&self, quick: bool) -> Report {
        let steps = self.metric("Handled") as f64;
        let goal = |what: &str, requests: f64| Goal::new(what, requests / steps, REQUESTS_PER_STEP_MAX, "requests");
        let goals = [
            goal(
                "DynamoDB requests per saga step, commits as the orchestrator counts them",
                self.metric("DynamoDbRequests") as f64,
            ),
            goal(
                "the same with its reads, as the proxy counts them",
                self.counted.requests as f64,
            ),
        ];
        Report {
            name: "sagas".into(),
            title: "Sagas".into(),
            notes: vec![
                "Orders through the storefront's APIs with the whole stack on MiniStack, each a saga of five steps: create \
                 order, reserve inventory, take payment, confirm order, notify customer. A new order is placed when a saga \
                 has ended. MiniStack is one Python process on the same cores and takes part in everything, so times and \
                 sagas/s are what the local AWS carries and not what the orchestrator could."
                    .into(),
                "A saga step is a message the orchestrator handled: the order's request and five answers, which is six for \
                 a saga. `DynamoDbRequests` of its metrics counts commits, each time one is sent, and not what handlers \
                 read. Its reads are counted by a proxy between it and DynamoDB, which all its requests pass. Write and \
                 read units are DynamoDB's documented rules applied to what passed."
                    .into(),
                "The prices are USD 0.025 for 1,000 state transitions \
                 ([Step Functions](https://aws.amazon.com/step-functions/pricing/), Standard), and USD 0.625 for a million \
                 write units and 0.125 for a million read units \
                 ([DynamoDB](https://aws.amazon.com/dynamodb/pricing/on-demand/)). A transition is counted for each state \
                 executed, which is each task once; that entering the first state is one more, which would make six and \
                 USD 150, is not assumed. Not in the comparison: on our side Lambda, SNS, SQS, the relay, the tables' \
                 indexes, streams and storage; on the other the Lambda functions or queues that the tasks call, and the \
                 calls that send the task tokens back. The participants' own writes are on neither."
                    .into(),
            ],
            environment: Environment::look(quick).await,
            tables: vec![self.times(), self.requests(), self.costs(), goals_table(&goals)],
            data: self.data(),
        }
    }

    fn times(&self) -> Table {
        let mut table = Table::new(
            format!(
                "{} orders, {} sagas at a time, all completed",
                self.sagas.len(),
                self.in_flight
            ),
            &[
                "sagas/s",
                "to finish p50 s",
                "p99 s",
                "max s",
                "commands sent again",
                "orders confirmed",
                "stock confirmed",
                "stock held",
            ],
        );
        let [p50, p99, max] = self.percentiles().map(|took| format!("{took:.2}"));
        table.rows = vec![vec![
            format!("{:.1}", self.per_second()),
            p50,
            p99,
            max,
            self.commands_again().to_string(),
            self.ending.confirmed_orders.to_string(),
            self.ending.stock_confirmed.to_string(),
            self.ending.stock_held.to_string(),
        ]];
        table
    }

    fn requests(&self) -> Table {
        let (steps, sagas) = (self.metric("Handled"), self.sagas.len());
        let mut table = Table::new(
            "The orchestrator's requests to DynamoDB",
            &["", "in all", "per saga step", "per finished saga"],
        );
        let counts = [
            ("commits, by its metrics", self.metric("DynamoDbRequests") as f64),
            ("all requests, by the proxy", self.counted.requests as f64),
            ("of these reads", self.counted.reads as f64),
            ("write units", self.counted.write_units as f64),
            ("read units", self.counted.read_units),
            ("messages handled", steps as f64),
            ("retries", self.metric("Retries") as f64),
            ("reruns", self.metric("Reruns") as f64),
        ];
        table.rows = counts
            .map(|(what, count)| {
                let (per_step, per_saga) = (count / steps as f64, count / sagas as f64);
                vec![
                    what.to_owned(),
                    format!("{count:.0}"),
                    format!("{per_step:.3}"),
                    format!("{per_saga:.2}"),
                ]
            })
            .into();
        table
    }

    fn costs(&self) -> Table {
        let (writes, reads) = (self.write_units_per_saga(), self.read_units_per_saga());
        let mut table = Table::new(
            "For reference: the orchestration of a saga that goes well, at list price in us-east-1",
            &["", "for a finished saga", "USD per million sagas"],
        );
        table.rows = vec![
            vec![
                "Step Functions, Standard: create, reserve, pay, confirm, notify; 5 tasks that wait for a callback"
                    .into(),
                format!("{} state transitions", prices::TRANSITIONS),
                format!("{:.2}", prices::step_functions_per_million()),
            ],
            vec![
                "ours: DynamoDB on demand".into(),
                format!("{writes:.1} write units, {reads:.1} read units"),
                format!("{:.2}", crate::prices::dynamodb_per_million(writes, reads)),
            ],
        ];
        table
    }

    fn data(&self) -> Value {
        let metrics: Vec<_> = METRICS
            .iter()
            .map(|&name| json!({ "metric": name, "sum": self.metric(name) }))
            .collect();
        let transitions: u64 = self.sagas.iter().map(|saga| saga.transitions).sum();
        json!({
            "orders": self.sagas.len(), "inFlight": self.in_flight, "elapsedS": self.elapsed.as_secs_f64(),
            "toFinishS": self.percentiles(), "transitions": transitions, "commandsSentAgain": self.commands_again(),
            "metrics": metrics, "requestsByOperation": self.counted.by_operation,
            "writeUnits": self.counted.write_units, "readUnits": self.counted.read_units,
        })
    }

    fn metric(&self, name: &str) -> u64 {
        sum(&self.lines, name)
    }

    fn per_second(&self) -> f64 {
        self.sagas.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Seconds: p50, p99, max.
    fn percentiles(&self) -> [f64; 3] {
        let took: Vec<_> = self.sagas.iter().map(|saga| saga.took).collect();
        [50.0, 99.0, 100.0].map(|percent| percentile(&took, percent).as_secs_f64())
    }

    fn commands_again(&self) -> u64 {
        let extra = |saga: &Completed| saga.commands.saturating_sub(prices::STEPS as u64);
        self.sagas.iter().map(extra).sum()
    }

    fn write_units_per_saga(&self) -> f64 {
        self.counted.write_units as f64 / self.sagas.len() as f64
    }

    fn read_units_per_saga(&self) -> f64 {
        self.counted.read_units / self.sagas.len() as f64
    }
}
