//! What writes cost by DynamoDB's documented rules, for rows of any size: a unit for each begun KB of a row, twice that in a
//! transaction, and the same when a condition refuses the write
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).

use serde_json::Value;

use crate::lab::exchange::Exchange;

const UNIT_BYTES: usize = 1_024;

/// The write units of a request that puts rows; zero for any other.
pub(crate) fn of(exchange: &Exchange) -> usize {
    let request: Value = serde_json::from_slice(&exchange.request).unwrap_or_default();
    match exchange.operation.as_str() {
        "PutItem" => of_row(&request["Item"]),
        "TransactWriteItems" => {
            let actions = request["TransactItems"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            actions.iter().map(|action| 2 * of_row(&action["Put"]["Item"])).sum()
        }
        _ => 0,
    }
}

fn of_row(row: &Value) -> usize {
    bytes_of_row(row).div_ceil(UNIT_BYTES)
}

/// The bytes of a row as DynamoDB counts them, names of attributes included.
pub(crate) fn bytes_of_row(row: &Value) -> usize {
    let attributes = row.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + bytes_of(value)).sum()
}

/// Texts and numbers; bytes are base64 here.
fn bytes_of(value: &Value) -> usize {
    let length = |kind: &str| value[kind].as_str().map(str::len);
    let padding = |text: &str| text.len() - text.trim_end_matches('=').len();
    length("S")
        .or_else(|| length("N").map(|digits| digits.div_ceil(2) + 1))
        .or_else(|| value["B"].as_str().map(|text| text.len() / 4 * 3 - padding(text)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn put(operation: &str, request: String) -> usize {
        let now = Instant::now();
        of(&Exchange {
            operation: operation.to_owned(),
            request: request.into(),
            status: 200,
            answer: "{}".into(),
            arrived: now,
            finished: now,
        })
    }

    #[test]
    fn a_started_kilobyte_is_one_unit_or_two_transactionally() {
        let item = |bytes: usize| format!(r#"{{"Item":{{"k":{{"S":"{}"}}}}}}"#, "x".repeat(bytes - 1));
        assert_eq!(put("PutItem", item(1_024)), 1);
        assert_eq!(put("PutItem", item(1_025)), 2);
        let transaction = format!(r#"{{"TransactItems":[{{"Put":{0}}},{{"Put":{0}}}]}}"#, item(1_025));
        assert_eq!(put("TransactWriteItems", transaction), 8);
        assert_eq!(put("Query", item(1_025)), 0);
    }

    #[test]
    fn bytes_are_counted_as_bytes() {
        assert_eq!(bytes_of(&serde_json::json!({ "B": "eHg=" })), 2);
    }
}
