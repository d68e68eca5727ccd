use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::uri::Scheme;
use http::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use onecommit_client::{RootCertificates, TransportError};
use rustls::ClientConfig;
use rustls::crypto::ring;
use tonic::body::Body;
use tower::Service;

/// For name, connection and TLS. The call's own limit holds beside it.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long an unused connection is kept. A function that was frozen meanwhile does not meet one that nobody answers on.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// How often a connection that is in use is asked whether the other side is there, and how long that may take.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_WITHIN: Duration = Duration::from_secs(3);
/// Of an answer's headers or trailers, in bytes.
const HEADER_BYTES_MAX: u32 = 16 << 10;

type Http = Client<HttpConnector, Body>;
type Https = Client<HttpsConnector<HttpConnector>, Body>;

/// HTTP/2 over TCP, and over TLS for `https` origins. Clones share their connections: one for each origin carries all calls.
///
/// What the other side refused before it began with it, as when it drains (`GOAWAY`), is sent on a new connection.
#[derive(Clone)]
pub struct Http2Transport {
    plain: Http,
    secure: Arc<OnceLock<Https>>,
    roots: RootCertificates,
}

impl Http2Transport {
    /// A transport that trusts these certificates.
    #[must_use]
    pub fn new(roots: RootCertificates) -> Self {
        Self {
            plain: builder().build(connector()),
            secure: Arc::default(),
            roots,
        }
    }

    fn secure(&self) -> Result<&Https, TransportError> {
        if let Some(client) = self.secure.get() {
            return Ok(client);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::NeverSent(Arc::new(error)))?
            .with_root_certificates(self.roots.load())
            .with_no_client_auth();
        let mut tcp = connector();
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http2()
            .wrap_connector(tcp);
        Ok(self.secure.get_or_init(|| builder().build(connector)))
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_WITHIN));
    connector.set_nodelay(true);
    connector
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .http2_only(true)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_WITHIN)
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    builder
}

impl Service<Request<Body>> for Http2Transport {
    type Response = Response<hyper::body::Incoming>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Self::Response, TransportError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            match self.secure() {
                Ok(client) => client.request(request),
                Err(error) => return Box::pin(async { Err(error) }),
            }
        } else {
            self.plain.request(request)
        };
        Box::pin(async {
            answer.await.map_err(|error| match error.is_connect() {
                true => TransportError::NeverSent(Arc::new(error)),
                false => TransportError::Broken(Arc::new(error)),
            })
        })
    }
}

impl fmt::Debug for Http2Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Http2Transport")
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
