//! What the orchestrator asked of DynamoDB, counted between the two, and what it told of itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lab::exchange::Exchange;
use crate::lab::write_units;

const READ_UNIT_BYTES: usize = 4_096;

/// The orchestrator's requests.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) requests: usize,
    pub(crate) reads: usize,
    /// By DynamoDB's documented rules, refused writes included.
    pub(crate) write_units: usize,
    pub(crate) read_units: f64,
    /// Requests by operation, and by status where it is not 200.
    pub(crate) by_operation: BTreeMap<String, usize>,
}

impl Counted {
    pub(crate) fn of(exchanges: &[Exchange]) -> Self {
        let mut counted = Self::default();
        // Operations of other services have the service in front.
        for exchange in exchanges.iter().filter(|exchange| !exchange.operation.contains('.')) {
            counted.requests += 1;
            counted.write_units += write_units::of(exchange);
            if exchange.operation == "GetItem" {
                counted.reads += 1;
                counted.read_units += read_units(exchange);
            }
            let label = match exchange.status {
                200 => exchange.operation.clone(),
                status => format!("{} {status}", exchange.operation),
            };
            *counted.by_operation.entry(label).or_default() += 1;
        }
        counted
    }
}

/// A unit for each begun 4 KB, half of it when the read need not be consistent; a row that is not there costs as a small one.
fn read_units(exchange: &Exchange) -> f64 {
    let request: Value = serde_json::from_slice(&exchange.request).unwrap_or_default();
    let answer: Value = serde_json::from_slice(&exchange.answer).unwrap_or_default();
    let blocks = write_units::bytes_of_row(&answer["Item"])
        .div_ceil(READ_UNIT_BYTES)
        .max(1) as f64;
    if request["ConsistentRead"] == true {
        blocks
    } else {
        blocks / 2.0
    }
}

/// A metric added up over the lines that told it.
pub(crate) fn sum(lines: &[Value], metric: &str) -> u64 {
    lines.iter().filter_map(|line| line[metric].as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn exchange(operation: &str, request: &str, answer: &str) -> Exchange {
        Exchange {
            operation: operation.to_owned(),
            request: request.to_owned().into(),
            status: 200,
            answer: answer.to_owned().into(),
            arrived: Instant::now(),
            finished: Instant::now(),
        }
    }

    #[test]
    fn reads_cost_by_begun_blocks_and_other_services_are_not_counted() {
        let large = format!(r#"{{"Item":{{"k":{{"S":"{}"}}}}}}"#, "x".repeat(READ_UNIT_BYTES));
        let counted = Counted::of(&[
            exchange("GetItem", r#"{"ConsistentRead":true}"#, &large),
            exchange("GetItem", "{}", "{}"),
            exchange("AmazonSQS.SendMessage", "{}", "{}"),
        ]);
        assert_eq!((counted.requests, counted.reads, counted.read_units), (2, 2, 2.5));
    }
}
