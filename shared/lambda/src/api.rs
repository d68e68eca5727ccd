//! REST API proxy requests, answered by an axum router.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::encodings::Body as ProxyBody;
use aws_lambda_events::event::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_environment::Environment;
use onecommit_http::incoming::{Incoming, start_of};
use onecommit_http::{ApiError, Caller, PROBLEM_JSON};
use serde_json::Value;
use serde_json::value::RawValue;
use tower::ServiceExt;
use tracing::{debug, error};

use crate::batch::remaining;
use crate::incoming::Resource;
use crate::invocation::{Last, written};

/// The most bytes of a request's body, decoded. API Gateway takes 10 MB; nothing here needs as much.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The most bytes of a response's body: Lambda answers with 6 MB at most, and Base64 adds a third
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const RESPONSE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Before the invocation ends, the caller is told so.
const TIME_TO_ANSWER: Duration = Duration::from_millis(500);

/// Serves the requests of a REST API until the environment ends. Errors of `api` are made JSON
/// ([`onecommit_http::json_errors`]); bodies over 1 MiB are refused.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_api(api: Router, environment: Environment) -> Result<(), Error> {
    serve_api_until(api, environment, Last::nothing()).await
}

/// Like [`serve_api`], with something to do at the end of each invocation.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_api_until(api: Router, environment: Environment, last: Last) -> Result<(), Error> {
    let served = Arc::new((ProxyApi::new(api), environment, last));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let served = Arc::clone(&served);
        async move {
            let (api, environment, last) = &*served;
            let remaining = remaining(&event.context, environment);
            let answering = async {
                let answer = api.answer(event.payload.get(), environment, remaining).await;
                last.done().await;
                answer
            };
            Ok::<_, Error>(written(environment, answering).await)
        }
    }))
    .await
}

/// A context's API, as API Gateway asks it.
pub(crate) struct ProxyApi(Router);

impl ProxyApi {
    pub(crate) fn new(router: Router) -> Self {
        Self(onecommit_http::json_errors(router))
    }

    /// Answers one proxy request within `remaining` time. Whatever goes wrong is an answer, too.
    pub(crate) async fn answer(
        &self,
        request: &str,
        environment: &Environment,
        remaining: Duration,
    ) -> ApiGatewayProxyResponse {
        let response = match read(request) {
            Ok(request) => {
                let incoming = incoming(&request, environment);
                incoming.serve(self.route(request, environment, remaining)).await
            }
            Err(error) => error.into_response(),
        };
        proxy_response(response).await
    }

    async fn route(&self, request: Request<Body>, environment: &Environment, remaining: Duration) -> Response {
        let (method, path) = (request.method().clone(), start_of(request.uri().path()));
        let answering = AssertUnwindSafe(self.0.clone().oneshot(request)).catch_unwind();
        let limit = remaining.saturating_sub(TIME_TO_ANSWER);
        let response = match environment.within(limit, answering).await {
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(never))) => match never {},
            Some(Err(_)) => {
                error!(http.method = %method, http.path = path, "request handler panicked");
                ApiError::internal().into_response()
            }
            None => {
                error!(http.method = %method, http.path = path, "request timed out");
                ApiError::unavailable("the request timed out; send the same request again").into_response()
            }
        };
        debug!(http.method = %method, http.path = path, http.status = response.status().as_u16(), "request was answered");
        response
    }
}

fn incoming(request: &Request<Body>, environment: &Environment) -> Incoming {
    let start = || start_of(request.uri().path());
    let resource = request.extensions().get::<Resource>();
    let route = resource.map_or_else(start, |Resource(route)| route.clone());
    Incoming::of(request.headers(), request.method(), &route, environment)
}

fn read(request: &str) -> Result<Request<Body>, ApiError> {
    let request: ApiGatewayProxyRequest = onecommit_json::from_str(request)
        .map_err(|error| ApiError::invalid("badRequest", format!("not an API Gateway proxy request: {error}")))?;
    let body = body_of(request.body, request.is_base64_encoded)?;
    let query = match request.multi_value_query_string_parameters {
        several if !several.is_empty() => several,
        _ => request.query_string_parameters,
    };
    let path = request.path.as_deref().unwrap_or("/");
    let uri = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.to_query_string())
    };
    let mut built = Request::builder()
        .method(request.http_method)
        .uri(uri)
        .body(Body::from(body))
        .map_err(|_| ApiError::invalid("badRequest", "the path is not a valid URI"))?;
    if let Some(route) = Resource::of(request.resource) {
        built.extensions_mut().insert(route);
    }
    if let Some(caller) = caller_of(&request.request_context.authorizer.fields) {
        built.extensions_mut().insert(caller);
    }
    *built.headers_mut() = match request.multi_value_headers {
        several if !several.is_empty() => several,
        _ => request.headers,
    };
    Ok(built)
}

/// Whoever the API's authorizer knew by an API key. These fields come from the authorizer and nobody else.
fn caller_of(fields: &HashMap<String, Value>) -> Option<Caller> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    Some(Caller {
        key_id: text("keyId")?.to_owned(),
        requests_per_minute: text("requestsPerMinute")?.parse().ok()?,
    })
}

fn body_of(body: Option<String>, is_base64: bool) -> Result<Bytes, ApiError> {
    let body = match (body, is_base64) {
        (None, _) => Bytes::new(),
        (Some(text), false) => Bytes::from(text),
        (Some(text), true) => STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| ApiError::invalid("badRequest", "the body is not Base64"))?,
    };
    if body.len() > BODY_BYTES_MAX {
        let message = format!("the body has {} bytes; the limit is {BODY_BYTES_MAX}", body.len());
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payloadTooLarge", message));
    }
    Ok(body)
}

pub(crate) async fn proxy_response(response: Response) -> ApiGatewayProxyResponse {
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, RESPONSE_BYTES_MAX).await else {
        error!(http.status = parts.status.as_u16(), "response body could not be read");
        let error = ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the response is too large",
        );
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON))]);
        let body = ProxyBody::Text(error.to_problem(None).to_string());
        return parts_of(error.status(), headers, body);
    };
    let body = match String::from_utf8(body.into()) {
        Ok(text) => ProxyBody::Text(text),
        Err(binary) => ProxyBody::Binary(binary.into_bytes()),
    };
    parts_of(parts.status, parts.headers, body)
}

fn parts_of(status: StatusCode, headers: HeaderMap, body: ProxyBody) -> ApiGatewayProxyResponse {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = i64::from(status.as_u16());
    response.is_base64_encoded = matches!(body, ProxyBody::Binary(_));
    response.body = Some(body);
    // A header that is no text has no form in the answer's JSON.
    for (name, value) in headers.iter().filter(|(_, value)| value.to_str().is_ok()) {
        response.headers.append(name, value.clone());
    }
    if response.headers.len() > response.headers.keys_len() {
        response.multi_value_headers = response.headers.clone();
    }
    response
}
