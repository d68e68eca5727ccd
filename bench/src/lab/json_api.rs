//! JSON over HTTP: the deployed functions' own APIs.

use anyhow::{Context, Result, bail};
use axum::http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use crate::lab::aws_json::HttpClient;

/// Sends the request, with the body when there is one. The answer's body; any status but 2xx is an error.
pub(crate) async fn ask(client: &HttpClient, method: Method, url: &str, body: Option<&Value>) -> Result<Value> {
    let sent = body.map(Value::to_string).unwrap_or_default();
    let request = Request::builder()
        .method(method.clone())
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::new(sent.into()))?;
    let answer = client.request(request).await;
    let (parts, body) = answer.with_context(|| format!("nobody answers at {url}"))?.into_parts();
    let body = body.collect().await?.to_bytes();
    if !parts.status.is_success() {
        bail!(
            "{method} {url} answered {}: {}",
            parts.status,
            String::from_utf8_lossy(&body)
        );
    }
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}
