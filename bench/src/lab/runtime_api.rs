//! The Lambda runtime API as a function sees it: `next` hangs until there is an invocation, the answer ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::lab::server::Server;

const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:bench";

/// What a function made of one invocation.
#[derive(Debug)]
pub(crate) struct Finished {
    /// From handing the invocation over to having the whole answer.
    pub(crate) elapsed: Duration,
    /// The answer, or what the function reported as its error.
    pub(crate) answer: Result<Bytes, String>,
}

struct Invocation {
    payload: String,
    reply: oneshot::Sender<Finished>,
}

struct InFlight {
    handed_over: Instant,
    reply: oneshot::Sender<Finished>,
}

struct Shared {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    in_flight: Mutex<HashMap<String, InFlight>>,
    first_next: watch::Sender<Option<Instant>>,
    init_error: watch::Sender<Option<String>>,
}

/// A runtime API for one function process.
pub(crate) struct RuntimeApi {
    server: Server,
    invocations: mpsc::UnboundedSender<Invocation>,
    shared: Arc<Shared>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Result<Self> {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: tokio::sync::Mutex::new(waiting),
            in_flight: Mutex::default(),
            first_next: watch::Sender::new(None),
            init_error: watch::Sender::new(None),
        });
        let server = Server::start(routes(Arc::clone(&shared))).await?;
        Ok(Self {
            server,
            invocations,
            shared,
        })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.server.address.to_string()
    }

    pub(crate) fn connections(&self) -> usize {
        self.server.connections()
    }

    /// When the function first asked for work.
    pub(crate) async fn first_next(&self) -> Result<Instant> {
        let mut asked = self.shared.first_next.subscribe();
        let mut failed = self.shared.init_error.subscribe();
        tokio::select! {
            at = asked.wait_for(Option::is_some) => at?.context("no first next"),
            error = failed.wait_for(Option::is_some) => bail!("the function could not start: {}", error?.as_deref().unwrap_or("?")),
        }
    }

    /// Hands one invocation to the function and waits for what becomes of it.
    pub(crate) async fn invoke(&self, payload: String) -> Result<Finished> {
        let (reply, finished) = oneshot::channel();
        self.invocations
            .send(Invocation { payload, reply })
            .ok()
            .context("the runtime API has stopped")?;
        tokio::time::timeout(FUNCTION_TIMEOUT, finished)
            .await
            .context("the function did not answer")?
            .context("the invocation got lost")
    }
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response<Body> {
    shared.first_next.send_if_modified(|first| {
        let is_first = first.is_none();
        first.get_or_insert_with(Instant::now);
        is_first
    });
    let Some(invocation) = shared.waiting.lock().await.recv().await else {
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let id = Uuid::new_v4().to_string();
    let answer = invocation_response(&id, invocation.payload);
    let in_flight = InFlight {
        handed_over: Instant::now(),
        reply: invocation.reply,
    };
    lock(&shared.in_flight).insert(id, in_flight);
    answer
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    finish(&shared, &id, Ok(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    finish(&shared, &id, Err(String::from_utf8_lossy(&body).into_owned()))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    shared
        .init_error
        .send_replace(Some(String::from_utf8_lossy(&body).into_owned()));
    status(StatusCode::ACCEPTED)
}

fn finish(shared: &Shared, id: &str, answer: Result<Bytes, String>) -> Response<Body> {
    let Some(invocation) = lock(&shared.in_flight).remove(id) else {
        return status(StatusCode::BAD_REQUEST);
    };
    invocation
        .reply
        .send(Finished {
            elapsed: invocation.handed_over.elapsed(),
            answer,
        })
        .ok();
    status(StatusCode::ACCEPTED)
}

fn invocation_response(id: &str, payload: String) -> Response<Body> {
    let deadline = SystemTime::now() + FUNCTION_TIMEOUT;
    let deadline_ms = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", FUNCTION_ARN)
        .header(
            "lambda-runtime-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
        )
        .body(Body::from(payload))
        .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from("{}"));
    *response.status_mut() = code;
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
