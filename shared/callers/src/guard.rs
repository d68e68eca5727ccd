use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use onecommit_http::Caller;
use onecommit_tokens::{Authenticator, Principal, Refusal, Routes};
use tracing::{info, warn};

use crate::headers::credentials_in;
use crate::problem::problem_of;

/// Who is let in, and to which routes.
#[derive(Clone)]
pub struct Guard(Arc<Parts>);

struct Parts {
    callers: Authenticator,
    routes: Routes,
    realm: String,
}

impl Guard {
    /// Lets `callers` in to the `routes` of their scopes; a route that is not listed is nobody's. `realm` is the name of the
    /// API in `WWW-Authenticate`.
    pub fn new(callers: Authenticator, routes: Routes, realm: impl Into<String>) -> Self {
        let realm = realm.into();
        Self(Arc::new(Parts { callers, routes, realm }))
    }

    /// Who sends a request with these parts, if it is let in. For what is not a router of axum; [`identified`] asks this.
    ///
    /// # Errors
    /// Why it is not let in, which whoever asks has to log and answer.
    // Of the parts alone: a body cannot be shared while this waits.
    pub async fn admit(&self, headers: &HeaderMap, method: &Method, uri: &Uri) -> Result<Principal, Refusal> {
        let Parts { callers, routes, .. } = &*self.0;
        let principal = callers.authenticate(credentials_in(headers)?).await?;
        routes.demand(&principal, method.as_str(), uri.path())?;
        Ok(principal)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("routes", &self.0.routes)
            .finish_non_exhaustive()
    }
}

/// The router behind a guard. A request that is let in has the [`Principal`] as an extension, and with an API key a
/// [`Caller`]; others are answered 401, 403 or 503 as `application/problem+json`, with `WWW-Authenticate` (RFC 6750).
pub fn identified(router: Router, guard: Guard) -> Router {
    router.layer(from_fn_with_state(guard, identify))
}

async fn identify(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let principal = match guard.admit(&parts.headers, &parts.method, &parts.uri).await {
        Ok(principal) => principal,
        Err(refusal) => {
            match &refusal {
                Refusal::Unavailable(source) => warn!(error = %source, "caller cannot be identified"),
                refused => info!(refusal.code = refused.code(), reason = %refused, "caller was refused"),
            }
            return problem_of(&refusal, &guard.0.realm);
        }
    };
    let extensions = &mut parts.extensions;
    // Only what was found out here counts.
    extensions.remove::<Caller>();
    if let (Some(key_id), Some(requests_per_minute)) = (principal.key_id(), principal.requests_per_minute()) {
        let key_id = key_id.to_owned();
        extensions.insert(Caller {
            key_id,
            requests_per_minute,
        });
    }
    extensions.insert(principal);
    next.run(Request::from_parts(parts, body)).await
}
