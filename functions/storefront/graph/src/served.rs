use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{EmptyMutation, EmptySubscription, ObjectType, Request, Response, SchemaBuilder};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, StatusCode};
use onecommit_environment::{Environment, Timestamp};
use onecommit_http::Json;
use serde_json::json;
use storefront_viewer::{Viewer, Viewers};
use tracing::{info, warn};

/// The code of what is for people who are signed in.
pub(crate) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
/// The code of what cannot be answered now.
pub(crate) const UNAVAILABLE: &str = "UNAVAILABLE";

/// Until when the caller waits, in RFC 3339.
const REQUEST_DEADLINE: HeaderName = HeaderName::from_static("x-request-deadline");
/// The time for an answer, where the caller does not wait less.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Fields within fields of one query; the gateway's plans stay far below.
const DEPTH_MAX: usize = 20;
/// Fields of one query, and those of its fragments.
const COMPLEXITY_MAX: usize = 2_000;
const DIRECTIVES_MAX: usize = 10;

/// A subgraph, to be served.
#[derive(Clone)]
pub struct Subgraph {
    name: &'static str,
    answer: Arc<dyn Fn(Request, Option<Viewer>) -> BoxFuture<'static, Response> + Send + Sync>,
}

#[derive(Clone)]
struct Door {
    subgraph: Subgraph,
    viewers: Viewers,
    environment: Environment,
}

impl Subgraph {
    /// With this schema; `prepare` gives each request what its fields are loaded with.
    pub(crate) fn new<Q: ObjectType + 'static>(
        name: &'static str,
        schema: SchemaBuilder<Q, EmptyMutation, EmptySubscription>,
        prepare: impl Fn(Request, Option<&Viewer>) -> Request + Send + Sync + 'static,
    ) -> Self {
        let schema = schema
            .enable_federation()
            .disable_suggestions()
            .limit_depth(DEPTH_MAX)
            .limit_complexity(COMPLEXITY_MAX)
            .limit_directives(DIRECTIVES_MAX)
            .finish();
        let answer = move |request: Request, viewer: Option<Viewer>| {
            let schema = schema.clone();
            let request = prepare(request, viewer.as_ref());
            let request = match viewer {
                Some(viewer) => request.data(viewer),
                None => request,
            };
            async move { schema.execute(request).await }.boxed()
        };
        Self {
            name,
            answer: Arc::new(answer),
        }
    }

    /// The subgraph's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// `POST /graphql`, and the same below the subgraph's name for an API that holds all subgraphs. `viewers` are the people
    /// whose tokens count.
    pub fn router(self, viewers: Viewers, environment: Environment) -> Router {
        let below_name = format!("/{}/graphql", self.name);
        let door = Door {
            subgraph: self,
            viewers,
            environment,
        };
        Router::new()
            .route("/graphql", post(answer))
            .route(&below_name, post(answer))
            .with_state(door)
    }
}

async fn answer(
    State(door): State<Door>,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> axum::response::Response {
    let viewer = match door.viewers.handed_on(&headers).await {
        Ok(viewer) => viewer,
        Err(refusal) if refusal.status() == 503 => {
            warn!(error = %refusal, "viewer cannot be checked");
            let message = "the viewer's token cannot be checked now; ask again";
            return refused(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message);
        }
        Err(refusal) => {
            info!(refusal.code = refusal.code(), reason = %refusal, "viewer was refused");
            return refused(
                StatusCode::UNAUTHORIZED,
                UNAUTHENTICATED,
                "the viewer's token is not valid",
            );
        }
    };
    let limit = door.time_left(&headers);
    let answering = (door.subgraph.answer)(request, viewer);
    match door.environment.within(limit, answering).await {
        Some(response) => Json(response).into_response(),
        None => {
            warn!(subgraph = door.subgraph.name, "a query was not answered in time");
            refused(
                StatusCode::SERVICE_UNAVAILABLE,
                UNAVAILABLE,
                "the answer was not there in time; ask again",
            )
        }
    }
}

impl Door {
    fn time_left(&self, headers: &HeaderMap) -> Duration {
        let text = headers.get(REQUEST_DEADLINE).and_then(|value| value.to_str().ok());
        let deadline = text.and_then(|text| Timestamp::parse(text).ok());
        let now = self.environment.clock().now();
        deadline.map_or(ANSWER_WITHIN, |deadline| deadline.since(now).min(ANSWER_WITHIN))
    }
}

/// A response of GraphQL without data.
fn refused(status: StatusCode, code: &str, message: &str) -> axum::response::Response {
    let body = json!({"errors": [{"message": message, "extensions": {"code": code}}]});
    (status, Json(body)).into_response()
}

/// A loader of one request: what is asked of many in one step is loaded at once.
pub(crate) fn loading<L>(load: L) -> DataLoader<L> {
    DataLoader::new(load, TokioSpawner::current(), TokioTimer::default())
}

impl std::fmt::Debug for Subgraph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Subgraph")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
