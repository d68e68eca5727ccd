//! Probes of what services stand on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Method, Request, Response, StatusCode, Uri};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use onecommit_engine::{DatabaseError, Key, Query, Table, TableReader, TransientKind};
use tower::{Service, ServiceExt};

use super::failure::{ProbeFailure, ProbeResult};

/// That a table answers, by a read of one row. The row need not exist: read units are those of the smallest row, halved.
pub fn row_answers<R: TableReader + 'static>(
    rows: Arc<R>,
    table: Table,
    key: Key,
) -> impl Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync {
    let asked = Arc::new((rows, table, key));
    move || {
        let asked = Arc::clone(&asked);
        async move {
            let (rows, table, key) = &*asked;
            rows.get_eventually(table, key).await.map(drop).map_err(of_database)
        }
        .boxed()
    }
}

/// That a table answers, by a query for one row at most. For services that may query only.
pub fn query_answers<R: TableReader + 'static>(
    rows: Arc<R>,
    query: Query,
) -> impl Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync {
    let asked = Arc::new((rows, query.rows_max(1)));
    move || {
        let asked = Arc::clone(&asked);
        async move { asked.0.query(&asked.1).await.map(drop).map_err(of_database) }.boxed()
    }
}

fn of_database(error: DatabaseError) -> ProbeFailure {
    match error {
        DatabaseError::Transient(TransientKind::Throttled, _) => ProbeFailure::Throttled,
        DatabaseError::Transient(..) | DatabaseError::Cancelled(_) => ProbeFailure::Unreachable,
        DatabaseError::Rejected(_) | DatabaseError::Misconfigured(_) => ProbeFailure::Misconfigured,
    }
}

/// That another service answers `HEAD` of this address, or `GET` where it knows no `HEAD`: 405 is remembered, so that later
/// probes are one request. Its answer's body is not read.
pub fn downstream<S, B, R>(service: S, uri: Uri) -> impl Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Default + Send,
    R: Send,
{
    let asked = Arc::new((service, uri, AtomicBool::new(false)));
    move || {
        let asked = Arc::clone(&asked);
        async move {
            let (service, uri, knows_get_only) = &*asked;
            if !knows_get_only.load(Ordering::Relaxed) {
                match status(service.clone(), Method::HEAD, uri.clone()).await? {
                    StatusCode::METHOD_NOT_ALLOWED => knows_get_only.store(true, Ordering::Relaxed),
                    status => return of_status(status),
                }
            }
            of_status(status(service.clone(), Method::GET, uri.clone()).await?)
        }
        .boxed()
    }
}

async fn status<S, B, R>(service: S, method: Method, uri: Uri) -> Result<StatusCode, ProbeFailure>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Default,
{
    let mut request = Request::new(B::default());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let answer = service.oneshot(request).await;
    answer
        .map(|answer| answer.status())
        .map_err(|_| ProbeFailure::Unreachable)
}

fn of_status(status: StatusCode) -> ProbeResult {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Err(ProbeFailure::Throttled),
        status if status.is_server_error() => Err(ProbeFailure::AnsweredWithError),
        status if status.is_client_error() => Err(ProbeFailure::Misconfigured),
        _ => Ok(()),
    }
}

/// The probe, unless the circuit around its service is open: that is known, and a service that does not work is not asked
/// once more for it.
pub fn unless_open<F, P>(
    is_open: impl Fn() -> bool + Send + Sync,
    probe: P,
) -> impl Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync
where
    P: Fn() -> F + Send + Sync,
    F: Future<Output = ProbeResult> + Send + 'static,
{
    move || match is_open() {
        true => async { Err(ProbeFailure::CircuitOpen) }.boxed(),
        false => probe().boxed(),
    }
}
