//! What passed the proxy, and what it says: requests, write units, and which rows were written how often.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::Value;

/// Documented by DynamoDB: a transactional write costs twice the units, also when the transaction is cancelled, and a
/// conditional write costs its units also when the condition fails. DynamoDB Local reports four units for each table of a
/// transaction however many actions there are, and nothing for a refused write, so both are counted by rule. Every item here
/// is below 1 KB, which is one unit; the verdict on the tables checks that.
const UNITS_PER_ITEM: f64 = 1.0;
const TRANSACTION_FACTOR: f64 = 2.0;

/// One request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) operation: String,
    pub(crate) request: Bytes,
    pub(crate) status: u16,
    pub(crate) answer: Bytes,
    pub(crate) arrived: Instant,
    pub(crate) finished: Instant,
}

/// How long at least one of these exchanges was under way.
pub(crate) fn time_under_way(exchanges: &[Exchange]) -> Duration {
    let mut spans: Vec<_> = exchanges
        .iter()
        .map(|exchange| (exchange.arrived, exchange.finished))
        .collect();
    spans.sort_unstable();
    let (mut total, mut covered_until) = (Duration::ZERO, None);
    for (arrived, finished) in spans {
        let from = covered_until.map_or(arrived, |until| arrived.max(until));
        total += finished.saturating_duration_since(from);
        covered_until = Some(covered_until.map_or(finished, |until| finished.max(until)));
    }
    total
}

/// What a number of exchanges amount to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Requests to DynamoDB.
    pub(crate) requests: usize,
    /// The same by operation and outcome.
    pub(crate) by_operation: BTreeMap<String, usize>,
    /// Write units: as reported for single writes, by rule for transactions and refused writes.
    pub(crate) write_units: f64,
    /// Those of them that went to requests refused by a condition.
    pub(crate) refused_write_units: f64,
    /// Requests that were no DynamoDB requests, or that DynamoDB could not carry out.
    pub(crate) unexpected: usize,
    /// How often each row was written, by table and key.
    pub(crate) writes: BTreeMap<(String, String), usize>,
}

impl Tally {
    pub(crate) fn of<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let mut tally = Self::default();
        for exchange in exchanges {
            tally.add(exchange);
        }
        tally
    }

    /// How often each row of one table was written.
    pub(crate) fn writes_to(&self, table: &str) -> BTreeMap<&str, usize> {
        let of_table = self.writes.iter().filter(|((name, _), _)| name == table);
        of_table.map(|((_, key), times)| (key.as_str(), *times)).collect()
    }

    fn add(&mut self, exchange: &Exchange) {
        let request: Value = serde_json::from_slice(&exchange.request).unwrap_or_default();
        let answer: Value = serde_json::from_slice(&exchange.answer).unwrap_or_default();
        self.requests += 1;
        let outcome = Outcome::of(exchange.status, &answer);
        let label = format!("{}{}", exchange.operation, outcome.suffix());
        *self.by_operation.entry(label).or_default() += 1;
        match outcome {
            Outcome::Done if is_write(&exchange.operation) => {
                self.write_units += units_of_done(&exchange.operation, &request, &answer);
                self.count_rows(&exchange.operation, &request);
            }
            Outcome::Done => {}
            Outcome::Refused => {
                let units = units_by_rule(&exchange.operation, &request);
                self.write_units += units;
                self.refused_write_units += units;
            }
            Outcome::Unexpected => self.unexpected += 1,
        }
    }

    fn count_rows(&mut self, operation: &str, request: &Value) {
        for write in writes_in(operation, request) {
            let table = write["TableName"].as_str().unwrap_or_default().to_owned();
            *self.writes.entry((table, key_text(write))).or_default() += 1;
        }
    }
}

enum Outcome {
    Done,
    Refused,
    Unexpected,
}

impl Outcome {
    fn of(status: u16, answer: &Value) -> Self {
        let error = answer["__type"].as_str().unwrap_or_default();
        let is_refusal = ["ConditionalCheckFailedException", "TransactionCanceledException"]
            .iter()
            .any(|kind| error.ends_with(kind));
        match status {
            200 => Self::Done,
            400 if is_refusal => Self::Refused,
            _ => Self::Unexpected,
        }
    }

    fn suffix(&self) -> &'static str {
        match self {
            Self::Done => "",
            Self::Refused => " refused",
            Self::Unexpected => " failed",
        }
    }
}

fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem"
    )
}

fn units_of_done(operation: &str, request: &Value, answer: &Value) -> f64 {
    let reported = answer["ConsumedCapacity"]["CapacityUnits"].as_f64();
    reported.unwrap_or_else(|| units_by_rule(operation, request))
}

fn units_by_rule(operation: &str, request: &Value) -> f64 {
    match operation {
        "TransactWriteItems" => {
            request["TransactItems"].as_array().map_or(0, Vec::len) as f64 * UNITS_PER_ITEM * TRANSACTION_FACTOR
        }
        _ => UNITS_PER_ITEM,
    }
}

/// The puts and updates of a request; deletes and mere checks write no row.
fn writes_in<'a>(operation: &str, request: &'a Value) -> Vec<&'a Value> {
    match operation {
        "PutItem" | "UpdateItem" => vec![request],
        "TransactWriteItems" => {
            let actions = request["TransactItems"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            actions
                .iter()
                .filter_map(|action| action.get("Put").or_else(|| action.get("Update")))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn key_text(write: &Value) -> String {
    let attributes = write.get("Key").or_else(|| write.get("Item")).unwrap_or(&Value::Null);
    let parts = ["pk", "sk", "id"]
        .iter()
        .filter_map(|name| attributes[name]["S"].as_str());
    parts.collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(operation: &str, request: &'static str, status: u16, answer: &'static str) -> Exchange {
        Exchange {
            operation: operation.into(),
            request: request.into(),
            status,
            answer: answer.into(),
            arrived: Instant::now(),
            finished: Instant::now(),
        }
    }

    const TRANSACTION: &str = r#"{"TransactItems":[
        {"Put":{"TableName":"ledger","Item":{"pk":{"S":"c#1"}}}},
        {"Update":{"TableName":"views","Key":{"pk":{"S":"order#1"},"sk":{"S":"summary"}}}}]}"#;

    #[test]
    fn a_transaction_costs_two_units_an_action_and_writes_each_of_its_rows() {
        let answer = r#"{"ConsumedCapacity":[{"TableName":"ledger","CapacityUnits":9.0},{"TableName":"views","CapacityUnits":9.0}]}"#;
        let tally = Tally::of(&[exchange("TransactWriteItems", TRANSACTION, 200, answer)]);
        assert_eq!((tally.requests, tally.write_units), (1, 4.0));
        assert_eq!(tally.writes_to("views"), BTreeMap::from([("order#1|summary", 1)]));
    }

    #[test]
    fn a_cancelled_transaction_costs_two_units_an_action_and_writes_nothing() {
        let answer = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException"}"#;
        let tally = Tally::of(&[exchange("TransactWriteItems", TRANSACTION, 400, answer)]);
        assert_eq!(
            (tally.write_units, tally.refused_write_units, tally.unexpected),
            (4.0, 4.0, 0)
        );
        assert!(tally.writes.is_empty());
    }

    #[test]
    fn a_refused_conditional_write_costs_one_unit() {
        let answer = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        let tally = Tally::of(&[exchange(
            "PutItem",
            r#"{"TableName":"t","Item":{"id":{"S":"1"}}}"#,
            400,
            answer,
        )]);
        assert_eq!(tally.write_units, 1.0);
    }

    #[test]
    fn exchanges_side_by_side_are_under_way_together() {
        let start = Instant::now();
        let span = |from_ms, to_ms| Exchange {
            arrived: start + Duration::from_millis(from_ms),
            finished: start + Duration::from_millis(to_ms),
            ..exchange("PutItem", "{}", 200, "{}")
        };
        let under_way = time_under_way(&[span(10, 14), span(0, 4), span(1, 3), span(2, 6)]);
        assert_eq!(under_way, Duration::from_millis(10));
    }

    #[test]
    fn any_other_error_is_unexpected() {
        let tally = Tally::of(&[exchange("PutItem", "{}", 400, r#"{"__type":"x#ValidationException"}"#)]);
        assert_eq!((tally.unexpected, tally.write_units), (1, 0.0));
    }
}
