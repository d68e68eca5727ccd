//! A few calls to a local AWS that are not measured: JSON over HTTP, with the credentials named but nothing signed, which no
//! local AWS looks at. An SDK would add minutes to the build of the benchmarks.

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client that keeps its connections.
pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// A client for plain HTTP.
pub(crate) fn http_client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// One service at one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct AwsJson {
    endpoint: String,
    service: &'static str,
    target: &'static str,
    client: HttpClient,
}

impl AwsJson {
    pub(crate) fn dynamodb(endpoint: String, client: HttpClient) -> Self {
        Self {
            endpoint,
            service: "dynamodb",
            target: "DynamoDB_20120810",
            client,
        }
    }

    pub(crate) fn sqs(endpoint: String, client: HttpClient) -> Self {
        Self {
            endpoint,
            service: "sqs",
            target: "AmazonSQS",
            client,
        }
    }

    pub(crate) fn logs(endpoint: String, client: HttpClient) -> Self {
        Self {
            endpoint,
            service: "logs",
            target: "Logs_20140328",
            client,
        }
    }

    /// Carries out one operation; what the service answers to a wrong request is an error.
    pub(crate) async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        let answer = self.client.request(self.request(operation, input)?).await;
        let (parts, body) = answer
            .with_context(|| format!("{} does not answer at {}", self.service, self.endpoint))?
            .into_parts();
        let body = body.collect().await?.to_bytes();
        if !parts.status.is_success() {
            bail!("{operation} was refused: {}", String::from_utf8_lossy(&body));
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    fn request(&self, operation: &str, input: &Value) -> Result<Request<Full<Bytes>>> {
        let credential = format!("bench/20260101/us-east-1/{}/aws4_request", self.service);
        let request = Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("{}.{operation}", self.target))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=none"),
            )
            .body(Full::new(input.to_string().into()))?;
        Ok(request)
    }
}
