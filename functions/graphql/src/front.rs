//! The graph over HTTP: who asks, and what of the request the subgraphs get.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use onecommit_callers::problem_of;
use onecommit_environment::Environment;
use onecommit_graph::{Caller, Gateway, routes};
use onecommit_http::health::Health;
use onecommit_tokens::Refusal;
use storefront_viewer::{VIEWER_TOKEN, Viewer, Viewers};
use tracing::{info, warn};

/// The name of this API in `WWW-Authenticate`.
const REALM: &str = "storefront";

/// The graph, for people with a session and for everybody. It starts and is healthy whatever the subgraphs do.
pub(crate) fn router(gateway: Gateway, viewers: Viewers, environment: &Environment) -> Router {
    let callers = {
        let environment = environment.clone();
        move |parts: &Parts| caller(parts, &environment)
    };
    routes(Arc::new(gateway), Arc::new(callers))
        .layer(from_fn_with_state(viewers, identify))
        .merge(Health::new(environment.clone()).router())
}

/// A request without a credential is nobody's, and one with a credential that is not valid is refused.
async fn identify(State(viewers): State<Viewers>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match viewers.of_authorization(&parts.headers).await {
        Ok(Some(viewer)) => drop(parts.extensions.insert(viewer)),
        Ok(None) => {}
        Err(refusal) => {
            match &refusal {
                Refusal::Unavailable(source) => warn!(error = %source, "viewer cannot be identified"),
                refused => info!(refusal.code = refused.code(), reason = %refused, "viewer was refused"),
            }
            return problem_of(&refusal, REALM);
        }
    }
    next.run(Request::from_parts(parts, body)).await
}

fn caller(parts: &Parts, environment: &Environment) -> Caller {
    let mut caller = Caller::of_request(parts, environment);
    let viewer = parts.extensions.get::<Viewer>();
    if let Some(mut token) = viewer.and_then(|viewer| HeaderValue::from_str(viewer.token()).ok()) {
        token.set_sensitive(true);
        caller.headers.insert(VIEWER_TOKEN, token);
    }
    caller
}
