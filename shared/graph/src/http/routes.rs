use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use serde::Serialize;
use serde_json::value::RawValue;

use super::media::{Media, accepted};
use super::origin;
use super::read::{NotARequest, from_body, from_query};
use crate::caller::Caller;
use crate::codes;
use crate::error::GraphError;
use crate::gateway::{Gateway, GraphAnswer, Operations};

const ALLOWED: HeaderValue = HeaderValue::from_static("GET, POST");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Who sends a request: what of its headers is passed on, and until when it waits.
pub type Callers = Arc<dyn Fn(&Parts) -> Caller + Send + Sync>;

/// `GET` and `POST` of `/graphql` and `/api/graphql`, by GraphQL over HTTP.
pub fn routes(gateway: Arc<Gateway>, callers: Callers) -> Router {
    let door = Door { gateway, callers };
    Router::new()
        .route("/graphql", any(answer))
        .route("/api/graphql", any(answer))
        .with_state(door)
}

#[derive(Clone)]
struct Door {
    gateway: Arc<Gateway>,
    callers: Callers,
}

#[derive(Serialize)]
struct Answered<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [GraphError],
}

async fn answer(State(door): State<Door>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(media) = accepted(&parts.headers) else {
        let message = "answers are application/graphql-response+json or application/json";
        let error = GraphError::new(codes::NOT_ACCEPTABLE, message);
        return written(StatusCode::NOT_ACCEPTABLE, Media::Json, None, &[error]);
    };
    match door.answered(&mut parts, body).await {
        Err((status, error)) => written(status, media, None, &[error]),
        Ok(GraphAnswer::Refused(errors)) => written(status_of(&errors, media), media, None, &errors),
        Ok(GraphAnswer::Answered { data, errors }) => written(StatusCode::OK, media, Some(&data), &errors),
    }
}

impl Door {
    async fn answered(&self, parts: &mut Parts, body: Body) -> Result<GraphAnswer, NotARequest> {
        let settings = self.gateway.settings();
        if !origin::is_allowed(&parts.headers, &settings.origins) {
            let message = "pages of this origin may not send requests";
            return Err((StatusCode::FORBIDDEN, GraphError::new(codes::ORIGIN, message)));
        }
        let bytes_max = settings.limits.bytes;
        let (request, operations) = match parts.method {
            Method::GET => (from_query(parts, bytes_max).await?, Operations::Queries),
            Method::POST => (from_body(parts, body, bytes_max).await?, Operations::All),
            _ => {
                let error = GraphError::new(codes::METHOD, "requests are sent with GET or POST");
                return Err((StatusCode::METHOD_NOT_ALLOWED, error));
            }
        };
        let caller = (self.callers)(parts);
        Ok(self.gateway.answer(request, operations, &caller).await)
    }
}

/// The status of a request that was refused.
fn status_of(errors: &[GraphError], media: Media) -> StatusCode {
    let is = |code: &str| errors.iter().any(|error| error.code() == code);
    if is(codes::METHOD) {
        StatusCode::METHOD_NOT_ALLOWED
    } else if is(codes::BYTES) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else if is(codes::BAD_REQUEST) || media == Media::Response {
        StatusCode::BAD_REQUEST
    } else {
        // Clients of the older media type take another status for a broken connection, and do not read the errors.
        StatusCode::OK
    }
}

fn written(status: StatusCode, media: Media, data: Option<&RawValue>, errors: &[GraphError]) -> Response {
    let body = serde_json::to_vec(&Answered { data, errors }).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.name()));
    headers.insert(CACHE_CONTROL, NOT_KEPT);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, ALLOWED);
    }
    response
}
