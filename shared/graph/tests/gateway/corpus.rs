//! Queries along the topics that a planner is tested with. What `@graphql-hive/gateway` answers to them, in front of the
//! same subgraphs, is in `answers.json`: `composition/compare.mjs` writes it.

use serde_json::{Value, json};

use crate::museum::Museum;

const CORPUS: &str = include_str!("../museum/corpus.json");
const ANSWERS: &str = include_str!("../museum/answers.json");

/// Where the two differ, and why ours is as it is.
const DIFFERENCES: [(&str, &str); 6] = [
    ("all four subgraphs", NO_RATING),
    ("field of an interface object on the interface", NO_RATING),
    ("field of an interface object on a type", NO_RATING),
    ("included fragment of another subgraph", NO_RATING),
    (
        "schema: fields",
        "the fields of a type have the order of the supergraph, in which the other puts those of external fields last",
    ),
    (
        "interface object with fragments",
        "the planner finds no path from a type that a subgraph knows by its interface alone to fields of an object type \
         whose subgraph has a name that sorts after it, and the query is refused by name",
    ),
];
const NO_RATING: &str = "the subgraph of ratings has a rating of w1, and the other gateway answers null";

#[tokio::test]
async fn answers_equal_those_of_another_gateway() {
    let museum = Museum::new();
    let corpus: Vec<Value> = serde_json::from_str(CORPUS).unwrap();
    let answers: Value = serde_json::from_str(ANSWERS).unwrap();
    let mut different = Vec::new();
    for case in &corpus {
        let name = case["name"].as_str().unwrap();
        let ours = museum.answer(request(case)).await;
        let (ours, theirs) = (compared(&ours), compared(&answers[name]));
        let is_argued = DIFFERENCES.iter().any(|(known, _)| *known == name);
        if (ours == theirs) == is_argued {
            different.push(format!("{name}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {}:\n{}",
        different.len(),
        corpus.len(),
        different.join("\n")
    );
}

fn request(case: &Value) -> Value {
    json!({
        "query": case["query"],
        "variables": case["variables"],
        "operationName": case["operationName"],
    })
}

/// The data, and where there are errors. Words and codes are each gateway's own.
fn compared(answer: &Value) -> Value {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let mut places: Vec<String> = errors
        .iter()
        .map(|error| error.get("path").map(ToString::to_string).unwrap_or_default())
        .collect();
    places.sort();
    places.dedup();
    let data = answer.get("data").map_or(Value::Null, by_value);
    json!({"data": data, "errors": places})
}

/// JavaScript writes a number that is whole without a fraction.
fn by_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(entries) => entries.iter().map(by_value).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), by_value(value)))
            .collect(),
        value => value.clone(),
    }
}
