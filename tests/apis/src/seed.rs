//! How tables are filled before an API is tested: through the API and its consumer, as anywhere.

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use onecommit_engine::Verdict;
use onecommit_event::Event;
use onecommit_testing::TestConsumer;
use serde_json::Value;
use tower::ServiceExt;

/// Sends a change that has to be carried out.
pub(crate) async fn send(api: &Router, method: &str, path: &str, body: &Value) -> anyhow::Result<()> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let response = api.clone().oneshot(request.body(Body::from(body.to_string()))?).await?;
    ensure!(response.status().is_success(), "{method} {path}: {}", response.status());
    Ok(())
}

/// Receives a message that has to be handled.
pub(crate) async fn receive(consumer: &TestConsumer, event: &Event) -> anyhow::Result<()> {
    let verdict = consumer.receive(&[event]).await.pop().context("no verdict")?;
    ensure!(verdict == Verdict::Done, "{}: {verdict:?}", event.event_type());
    Ok(())
}
