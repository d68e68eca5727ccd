//! Who calls.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use onecommit_callers::Guard;
use onecommit_tokens::Refusal;
use tonic::Code;
use tracing::{info, warn};

use super::protocol::is_health;
use crate::codes::refusal_with;

/// Lets in whom the guard lets in; handlers find the principal among the extensions. The health is for everybody.
pub(super) async fn known(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if is_health(&request) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match guard.admit(&parts.headers, &parts.method, &parts.uri).await {
        Ok(principal) => {
            parts.extensions.insert(principal);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => {
            match &refusal {
                Refusal::Unavailable(source) => warn!(error = %source, "caller cannot be identified"),
                refused => info!(refusal.code = refused.code(), reason = %refused, "caller was refused"),
            }
            refusal_with(code_of(&refusal), refusal.code(), &refusal.to_string(), None).into_http()
        }
    }
}

fn code_of(refusal: &Refusal) -> Code {
    match refusal.status() {
        403 => Code::PermissionDenied,
        503 => Code::Unavailable,
        _ => Code::Unauthenticated,
    }
}
