use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::media::is_json;
use crate::codes;
use crate::error::GraphError;
use crate::gateway::GraphRequest;

/// A request that is not one of GraphQL, and the status that says so.
pub(super) type NotARequest = (StatusCode, GraphError);

fn bad(message: impl Into<String>) -> NotARequest {
    (StatusCode::BAD_REQUEST, GraphError::new(codes::BAD_REQUEST, message))
}

/// The parameters of `GET`; the members that are objects are written in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    document_id: Option<String>,
    extensions: Option<String>,
}

pub(super) async fn from_query(parts: &mut Parts, bytes_max: usize) -> Result<GraphRequest, NotARequest> {
    if parts.uri.query().is_some_and(|query| query.len() > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let parameters = Query::<Parameters>::from_request_parts(parts, &()).await;
    let Query(parameters) = parameters.map_err(|_| bad("the query string is not one of GraphQL"))?;
    Ok(GraphRequest {
        query: parameters.query,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: object("variables", parameters.variables.as_deref())?,
        document_id: parameters.document_id,
        extensions: object("extensions", parameters.extensions.as_deref())?,
    })
}

fn object(name: &str, text: Option<&str>) -> Result<Option<Map<String, Value>>, NotARequest> {
    let read = text
        .filter(|text| !text.is_empty())
        .map(onecommit_json::from_request)
        .transpose();
    read.map(Option::flatten)
        .map_err(|error| bad(format!("{name} is not a JSON object: {error}")))
}

pub(super) async fn from_body(parts: &Parts, body: Body, bytes_max: usize) -> Result<GraphRequest, NotARequest> {
    if !is_json(&parts.headers) {
        let message = "the body has to be JSON, with the header content-type: application/json";
        let error = GraphError::new(codes::MEDIA_TYPE, message);
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let body = to_bytes(body, bytes_max).await.map_err(|_| too_large(bytes_max))?;
    let text = std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8"))?;
    if text.trim_start().starts_with('[') {
        let message = "several requests in one are not answered; ask for several fields in one query";
        return Err((StatusCode::BAD_REQUEST, GraphError::new(codes::BATCHES, message)));
    }
    onecommit_json::from_request(text).map_err(|error| bad(format!("the body is not a GraphQL request: {error}")))
}

fn too_large(bytes_max: usize) -> NotARequest {
    let message = format!("the request is longer than {bytes_max} bytes");
    (StatusCode::PAYLOAD_TOO_LARGE, GraphError::new(codes::BYTES, message))
}
