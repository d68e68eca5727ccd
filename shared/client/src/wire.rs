use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MODIFIED_SINCE, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use onecommit_environment::Environment;
use tower::Service;

use crate::answer::Check;
use crate::exchange::Exchanged;
use crate::limits::Limits;
use crate::transport::{Body, Carrier, TransportError};
use crate::trouble::{Refusal, Trouble};

/// Sends one request, reads its answer within the limits, and judges it: the innermost step.
#[derive(Clone)]
pub(crate) struct Wire {
    carrier: Carrier,
    limits: Limits,
    environment: Environment,
}

impl Wire {
    pub(crate) fn new(carrier: Carrier, limits: Limits, environment: Environment) -> Self {
        Self {
            carrier,
            limits,
            environment,
        }
    }

    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Trouble> {
        let too_large = |part, limit| Err(Trouble::TooLarge { part, limit });
        let header_bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if header_bytes > self.limits.header_bytes_max {
            return too_large("headers", self.limits.header_bytes_max);
        }
        let limit = self.limits.body_bytes_max;
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return too_large("body", limit);
        }
        let mut body = pin!(body);
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        loop {
            let frame = self.environment.within(self.limits.silence_max, body.frame()).await;
            let Some(frame) = frame.ok_or(Trouble::TooSlow(self.limits.silence_max))? else {
                return Ok(if all.is_empty() { first } else { all.freeze() });
            };
            let frame = frame.map_err(|error| Trouble::Broken(error.into()))?;
            let Ok(data) = frame.into_data() else { continue };
            if first.len() + all.len() + data.len() > limit {
                return too_large("body", limit);
            }
            match (first.is_empty(), all.is_empty()) {
                // One part is the common case, and is not copied.
                (true, true) => first = data,
                (false, _) => {
                    all.extend_from_slice(&std::mem::take(&mut first));
                    all.extend_from_slice(&data);
                }
                (true, false) => all.extend_from_slice(&data),
            }
        }
    }

    fn judged(&self, answer: Response<Bytes>, asked: &Asked) -> Result<Response<Bytes>, Trouble> {
        let status = answer.status();
        if status == StatusCode::NOT_MODIFIED && asked.conditionally {
            return Ok(answer);
        }
        if status.is_redirection() {
            return Err(Trouble::Redirected(status));
        }
        if !status.is_success() {
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Err(Trouble::Status(Refusal {
                status,
                retry_after: retry_after
                    .and_then(|text| onecommit_resilience::retry_after(text, self.environment.clock().now())),
                body: answer.into_body(),
            }));
        }
        if !answer.body().is_empty() && !is_json(answer.headers()) {
            return Err(Trouble::NotJson(status));
        }
        if let Some(Check(check)) = asked.check {
            check(answer.body()).map_err(Trouble::Drift)?;
        }
        Ok(answer)
    }
}

/// What of the request the answer is judged by.
struct Asked {
    conditionally: bool,
    check: Option<Check>,
}

/// An answer that names no type is read as JSON, which finds out.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(named) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let named = named.to_str().unwrap_or_default();
    let essence = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

impl Service<Request<Bytes>> for Wire {
    type Response = Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Exchanged {
        let wire = self.clone();
        let asked = Asked {
            conditionally: [IF_NONE_MATCH, IF_MODIFIED_SINCE]
                .iter()
                .any(|name| request.headers().contains_key(name)),
            check: request.extensions().get::<Check>().copied(),
        };
        let sent = wire.carrier.send(request.map(Full::new));
        Box::pin(async move {
            let answer = sent.await.map_err(|error| match error {
                TransportError::NeverSent(cause) => Trouble::NeverSent(cause),
                TransportError::Broken(cause) => Trouble::Broken(cause),
            })?;
            let (parts, body) = answer.into_parts();
            let body = wire.read(&parts.headers, body).await?;
            wire.judged(Response::from_parts(parts, body), &asked)
        })
    }
}
