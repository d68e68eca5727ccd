use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, uri::Scheme};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use tower::Service;

use super::{RootCertificates, TransportError};

/// How long an unused connection is kept: less than the 5 s after which common servers close theirs, so that a request does
/// not meet a connection that is just being closed.
const IDLE_MAX: Duration = Duration::from_secs(4);
const IDLE_PER_HOST_MAX: usize = 32;
/// For name, connection and TLS. The call's own limit holds beside it.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const HEADERS_MAX: usize = 100;
/// Of an answer's head, in bytes: hyper's own least is 8 KiB.
const HEAD_BYTES_MAX: usize = 32 << 10;

type Http = Client<HttpConnector, Full<Bytes>>;
type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP/1.1 over TCP, and over TLS for `https` addresses. Clones share their connections.
///
/// A request that meets a pooled connection which the service had closed, as after a function was frozen, is sent on a new
/// one, if none of it had left. Redirects are not followed, and no proxy is looked for.
#[derive(Clone)]
pub struct HttpTransport {
    plain: Http,
    secure: Arc<OnceLock<Https>>,
    roots: RootCertificates,
}

impl HttpTransport {
    /// A transport that trusts these certificates. No file is read before the first call of an `https` address, except for
    /// a bundle, which was read before.
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
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::NeverSent(Arc::new(error)))?
            .with_root_certificates(self.roots.load())
            .with_no_client_auth();
        let mut tcp = connector();
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
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
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .http1_max_headers(HEADERS_MAX)
        .http1_max_buf_size(HEAD_BYTES_MAX);
    builder
}

impl Service<Request<Full<Bytes>>> for HttpTransport {
    type Response = Response<hyper::body::Incoming>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Self::Response, TransportError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
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

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("HttpTransport")
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
