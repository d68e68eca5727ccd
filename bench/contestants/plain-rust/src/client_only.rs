//! The smallest Rust function that can reach DynamoDB: one client with every default, and nothing else.
//! Its cold start is what the SDK and the runtime cost before anybody has written a line.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let client = &client;
    run(service_fn(move |_event: LambdaEvent<Value>| async move {
        let tables = client.list_tables().send().await?;
        Ok::<Value, Error>(json!({ "tables": tables.table_names() }))
    }))
    .await
}
