//! Connections: each speaks HTTP/2, or HTTP/1.1 for the pages of health.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use onecommit_environment::Environment;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::settings::ServerSettings;

/// How long a new connection may take until it says something.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(10);
/// How often a connection is asked whether the other side is still there, and how long that may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_WITHIN: Duration = Duration::from_secs(10);
/// How many streams a client may have reset that are still to be cleared away: what floods is cut off.
const RESETS_MAX: usize = 100;
/// After this long, connections are accepted again when the process had no room for one, as for its file.
const NO_ROOM_FOR: Duration = Duration::from_millis(100);

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) settings: ServerSettings,
    pub(super) environment: Environment,
    /// Cancelled, it lets nobody in any more, and ends each connection after the calls that it has.
    pub(super) ending: CancellationToken,
}

impl Connections {
    /// Accepts connections until the end, and returns when all of them have ended. Dropped, it ends them.
    pub(super) async fn serve(self, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = self.ending.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok((connection, _)) => drop(open.spawn(self.clone().answer(connection))),
                    Err(error) if is_of_one_connection(&error) => debug!(error = %error, "a connection ended as it began"),
                    Err(error) => {
                        warn!(error = %error, "no connection can be accepted now");
                        self.environment.clock().sleep(NO_ROOM_FOR).await;
                    }
                },
                Some(_) = open.join_next() => {}
            }
        }
        // Whoever connects now is refused at once, and does not wait for an answer.
        drop(listener);
        while open.join_next().await.is_some() {}
    }

    async fn answer(self, connection: TcpStream) {
        // An answer is written at once; where that cannot be had, it is a little later.
        let _ = connection.set_nodelay(true);
        let mut first = [0; 1];
        let speaks = tokio::select! {
            () = self.ending.cancelled() => return,
            first = self.environment.within(FIRST_BYTE_WITHIN, connection.peek(&mut first)) => first,
        };
        if !matches!(speaks, Some(Ok(1))) {
            return;
        }
        let builder = self.builder();
        let service = TowerToHyperService::new(self.router);
        let mut served = pin!(builder.serve_connection(TokioIo::new(connection), service));
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = self.ending.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            debug!(error = %error, "a connection broke");
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        // With a timer, a head of HTTP/1.1 has 30 s.
        builder.http1().timer(TokioTimer::new());
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WITHIN)
            .max_concurrent_streams(self.settings.calls_per_connection_max)
            .max_header_list_size(self.settings.header_bytes_max)
            .max_pending_accept_reset_streams(RESETS_MAX);
        builder
    }
}

/// Whether the error is the new connection's, and the next may be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
