use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::{HeaderMap, Request, Response, StatusCode, Uri, header, request::Parts};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime;

use crate::authority::{Authority, Caller, Denial};
use crate::refusal;
use crate::request::{self, Recognised, Scope, may_know_of_absence};

/// Comes first in the path of every request, before the stack and the function that it comes from.
const BY: &str = "/by/";

type Body = Either<Incoming, Full<Bytes>>;
/// The service, in whose words it is said, and why.
type Refused = Box<(String, Denial)>;
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Stands between functions and a local AWS, for as long as this process lives.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    upstream: Arc<OnceLock<String>>,
}

struct Shared {
    authority: Arc<Authority>,
    upstream: Arc<OnceLock<String>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Proxy {
    /// Starts one on a free port. It passes nothing on before it is told where to.
    ///
    /// # Errors
    /// When there is no free port, or no thread.
    pub fn start(authority: Arc<Authority>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let upstream = Arc::new(OnceLock::new());
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let told = Arc::clone(&upstream);
        std::thread::Builder::new()
            .name("authority".to_owned())
            .spawn(move || runtime.block_on(serve(listener, authority, told)))?;
        Ok(Self { address, upstream })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where a function of a stack has to send its requests; each may stand for a placeholder. It ends with a slash, because
    /// the SDK puts a bucket's name right behind it.
    #[must_use]
    pub fn url_of(&self, stack: &str, function: &str) -> String {
        format!("{}{BY}{stack}/{function}/", self.url())
    }

    /// Tells it where the local AWS is.
    pub fn pass_on_to(&self, endpoint: &str) {
        // Only the first one counts: a local AWS does not move.
        let _ = self.upstream.set(endpoint.trim_end_matches('/').to_owned());
    }
}

async fn serve(listener: TcpListener, authority: Arc<Authority>, upstream: Arc<OnceLock<String>>) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let shared = Arc::new(Shared {
        authority,
        upstream,
        client: Client::builder(TokioExecutor::new()).build(connector),
    });
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small answers must not wait for each other.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&shared), request));
            // It ends when the function does, or with an error of the local AWS's connection, which the function is to see
            // as one of its own.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, AnyError> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let (caller, path) = caller_of(&parts);
    shared.authority.knows_if_named(&caller).await;
    let recognised = match decide(&shared.authority, &caller, &parts, &path, &body) {
        Ok(recognised) => recognised,
        Err(refused) => return Ok(refusal::answer(&refused.0, &refused.1).map(Either::Right)),
    };
    let upstream = shared.upstream.get().ok_or("the local AWS is not up yet")?;
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    parts.uri = format!("{upstream}{path}{query}").parse::<Uri>()?;
    without_hops(&mut parts.headers);
    parts.headers.remove(header::HOST);
    let mut answer = shared
        .client
        .request(Request::from_parts(parts, Full::new(body)))
        .await?;
    if answer.status() == StatusCode::NOT_FOUND
        && let Some(listing) = recognised.calls.iter().find_map(may_know_of_absence)
        && let Err(denial) = shared.authority.judge(&caller, &[listing])
    {
        return Ok(refusal::answer(&recognised.service, &denial).map(Either::Right));
    }
    without_hops(answer.headers_mut());
    Ok(answer.map(Either::Left))
}

fn decide(
    authority: &Authority,
    caller: &Caller,
    parts: &Parts,
    path: &str,
    body: &[u8],
) -> Result<Recognised, Refused> {
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let authorization = text("authorization");
    let request = request::Request {
        method: parts.method.as_str(),
        path,
        query: parts.uri.query().unwrap_or_default(),
        authorization,
        target: text("x-amz-target"),
        body,
    };
    let recognised = request::recognise(&authority.account(), &request).map_err(|unrecognised| {
        let service = Scope::of(authorization).map(|scope| scope.service).unwrap_or_default();
        let denial = authority.refuse(caller, &format!("a request to {service}"), &unrecognised.to_string());
        Box::new((service, denial))
    })?;
    match authority.judge(caller, &recognised.calls) {
        Ok(()) => Ok(recognised),
        Err(denial) => Err(Box::new((recognised.service, denial))),
    }
}

/// Stack and function, and the path without them.
fn caller_of(parts: &Parts) -> (Caller, String) {
    let path = parts.uri.path();
    let named = path.strip_prefix(BY).and_then(|rest| {
        let (stack, rest) = rest.split_once('/')?;
        let (function, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let caller = Caller {
            stack: stack.to_owned(),
            function: function.to_owned(),
        };
        Some((caller, format!("/{}", rest.trim_start_matches('/'))))
    });
    named.unwrap_or_else(|| {
        let nobody = Caller {
            stack: String::new(),
            function: "a process that was given no endpoint of its own".to_owned(),
        };
        (nobody, path.to_owned())
    })
}

/// Headers about one connection only.
fn without_hops(headers: &mut HeaderMap) {
    for hop in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::TE,
        header::UPGRADE,
    ] {
        headers.remove(hop);
    }
}

#[cfg(test)]
mod tests;
