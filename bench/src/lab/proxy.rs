//! Between a function and DynamoDB: adds latency, asks for the capacity each request consumed, and keeps every exchange
//! for a look afterwards. Nothing is parsed while the clock runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full};

use crate::lab::aws_json::HttpClient;
use crate::lab::delay::Delay;
use crate::lab::exchange::Exchange;
use crate::lab::server::Server;

const DYNAMODB_TARGET: &str = "DynamoDB_20120810.";

/// Kept-alive connections to DynamoDB; every proxy of a run shares them, so that no contestant pays for opening one.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    authority: String,
    is_dynamodb_only: bool,
    client: HttpClient,
}

impl Upstream {
    pub(crate) fn new(authority: String, client: HttpClient) -> Self {
        Self {
            authority,
            is_dynamodb_only: true,
            client,
        }
    }

    /// One that answers for queues as well.
    pub(crate) fn of_any_service(authority: String, client: HttpClient) -> Self {
        Self {
            authority,
            is_dynamodb_only: false,
            client,
        }
    }

    fn serves(&self, operation: &str) -> bool {
        !self.is_dynamodb_only || !operation.contains('.')
    }
}

struct Shared {
    upstream: Upstream,
    delay: Delay,
    exchanges: Mutex<Vec<Exchange>>,
}

/// A running proxy.
pub(crate) struct Proxy {
    server: Server,
    shared: Arc<Shared>,
}

impl Proxy {
    pub(crate) async fn start(upstream: Upstream, latency: Duration) -> Result<Self> {
        let shared = Arc::new(Shared {
            upstream,
            delay: Delay::of(latency),
            exchanges: Mutex::default(),
        });
        let routes = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        Ok(Self {
            server: Server::start(routes).await?,
            shared,
        })
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.server.connections()
    }

    /// What passed since the last call.
    pub(crate) fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.shared.exchanges.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return failure(StatusCode::BAD_REQUEST);
    };
    let body = body.to_bytes();
    let operation = operation_of(&parts.headers);
    shared.delay.wait().await;
    let (status, answer) = if shared.upstream.serves(&operation) {
        ask_upstream(&shared.upstream, parts, with_consumed_capacity(&operation, &body)).await
    } else {
        (
            StatusCode::BAD_REQUEST,
            failure(StatusCode::BAD_REQUEST).map(|_| Bytes::new()),
        )
    };
    let exchange = Exchange {
        operation,
        arrived,
        finished: Instant::now(),
        request: body,
        status: status.as_u16(),
        answer: answer.body().clone(),
    };
    shared
        .exchanges
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(exchange);
    answer.map(Body::from)
}

async fn ask_upstream(upstream: &Upstream, parts: Parts, body: Bytes) -> (StatusCode, Response<Bytes>) {
    let request = rebuild(parts, &upstream.authority, body);
    let answer = match upstream.client.request(request).await {
        Ok(answer) => answer,
        Err(_) => {
            return (
                StatusCode::BAD_GATEWAY,
                failure(StatusCode::BAD_GATEWAY).map(|_| Bytes::new()),
            );
        }
    };
    let (mut parts, body) = answer.into_parts();
    let body = body
        .collect()
        .await
        .map(|collected| collected.to_bytes())
        .unwrap_or_default();
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts.headers.remove(header::CONNECTION);
    (parts.status, Response::from_parts(parts, body))
}

fn rebuild(mut parts: Parts, authority: &str, body: Bytes) -> axum::http::Request<Full<Bytes>> {
    for hop in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
    ] {
        parts.headers.remove(hop);
    }
    parts.uri = format!("http://{authority}/").parse().unwrap_or_default();
    axum::http::Request::from_parts(parts, Full::new(body))
}

/// The name of DynamoDB's operations; of any other service's, with the service in front.
fn operation_of(headers: &HeaderMap) -> String {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or("unknown.Unknown");
    target.strip_prefix(DYNAMODB_TARGET).unwrap_or(target).to_owned()
}

/// The same request, asking what it consumed. The signature no longer fits; DynamoDB Local does not look.
fn with_consumed_capacity(operation: &str, body: &Bytes) -> Bytes {
    const ASK: &str = r#""ReturnConsumedCapacity""#;
    let is_asked = body.windows(ASK.len()).any(|window| window == ASK.as_bytes());
    match body.strip_prefix(b"{") {
        Some(rest) if !is_asked && !operation.contains('.') => {
            let comma: &[u8] = if rest.trim_ascii_start().starts_with(b"}") {
                b""
            } else {
                b","
            };
            [format!("{{{ASK}:\"TOTAL\"").as_bytes(), comma, rest].concat().into()
        }
        _ => body.clone(),
    }
}

fn failure(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_made_to_ask_for_its_capacity_once() {
        let ask = |operation: &str, body: &'static str| {
            with_consumed_capacity(operation, &Bytes::from_static(body.as_bytes()))
        };
        assert_eq!(
            ask("Scan", r#"{"TableName":"t"}"#),
            r#"{"ReturnConsumedCapacity":"TOTAL","TableName":"t"}"#
        );
        assert_eq!(
            ask("Scan", r#"{"ReturnConsumedCapacity":"NONE"}"#),
            r#"{"ReturnConsumedCapacity":"NONE"}"#
        );
        assert_eq!(ask("ListTables", "{}"), r#"{"ReturnConsumedCapacity":"TOTAL"}"#);
        assert_eq!(ask("AmazonSQS.ListQueues", "{}"), "{}");
    }
}
