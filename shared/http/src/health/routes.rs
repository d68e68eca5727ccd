use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;

use super::check::Health;

impl Health {
    /// `GET` and `HEAD` of `/health/live`, which asks nobody; `/health/ready`, the required checks; `/health`, all of them.
    pub fn router(self) -> Router {
        Self::router_of(Arc::new(self))
    }

    /// The same for checks that others ask, too.
    pub fn router_of(health: Arc<Self>) -> Router {
        // `get` answers `HEAD` too, without the body.
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/health", get(all))
            .with_state(health)
    }
}

async fn live(State(health): State<Arc<Health>>) -> impl IntoResponse {
    health.alive()
}

async fn ready(State(health): State<Arc<Health>>) -> impl IntoResponse {
    health.ready().await
}

async fn all(State(health): State<Arc<Health>>) -> impl IntoResponse {
    health.all().await
}
