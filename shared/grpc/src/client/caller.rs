use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use onecommit_client::CallContext;
use onecommit_environment::Environment;
use onecommit_resilience::{Deadline, Repetition, Retries, RetryBudget};
use tonic::{Response, Status, Streaming};
use tracing::Instrument;

use super::channel::{Channel, Noted};
use super::error::{GrpcError, GrpcTrouble};
use super::messages::Messages;
use super::settings::GrpcSettings;
use super::traces;
use super::transport::GrpcTransport;

/// The least time that an attempt has over the caller's, to say itself that its time is over.
const GRACE: Duration = Duration::from_millis(2);

/// Calls one service. Clones share its connections, its circuit and its budget of retries.
///
/// A call is a closure that uses the generated client around the [`Channel`] of an attempt:
///
/// ```ignore
/// let parcel = client
///     .read("parcels.ParcelService/GetParcel", |channel| {
///         let request = GetParcelRequest { id: id.clone() };
///         async move { ParcelServiceClient::new(channel).get_parcel(request).await }
///     })
///     .await?;
/// ```
#[derive(Clone)]
pub struct GrpcClient {
    service: Arc<str>,
    transport: Arc<dyn GrpcTransport>,
    origin: (Scheme, Authority),
    settings: Arc<GrpcSettings>,
    retries: Retries,
    context: CallContext,
    environment: Environment,
}

/// A text that is not where a service is. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an http or https address without a path, such as http://parcels.internal:50051")]
pub struct InvalidOrigin(());

impl GrpcClient {
    /// A client of the service of this name at `origin`, for example `http://parcels.internal:50051`.
    ///
    /// # Errors
    /// When `origin` is not an `http` or `https` address, or holds a user, a path, a query or a fragment.
    pub fn new(
        service: impl Into<Arc<str>>,
        origin: &str,
        transport: impl GrpcTransport + 'static,
        settings: GrpcSettings,
        environment: Environment,
    ) -> Result<Self, InvalidOrigin> {
        let budget = settings.budget.clone();
        let budget = budget.unwrap_or_else(|| RetryBudget::new(environment.clone()));
        Ok(Self {
            service: service.into(),
            transport: Arc::new(transport),
            origin: origin_of(origin)?,
            retries: Retries::new(settings.retries, budget, environment.clone()),
            settings: Arc::new(settings),
            context: CallContext::default(),
            environment,
        })
    }

    /// The same client for calls on this account.
    #[must_use]
    pub fn on_behalf_of(&self, context: &CallContext) -> Self {
        Self {
            context: context.clone(),
            ..self.clone()
        }
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// A call of `method` (`package.Service/Method`, for traces) that changes nothing, so that it may be sent again.
    ///
    /// # Errors
    /// See [`GrpcError`].
    pub async fn read<T, F>(&self, method: &str, call: impl Fn(Channel) -> F) -> Result<T, GrpcError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let answer = self.exchange(method, Repetition::Safe, call).await?;
        Ok(answer.value)
    }

    /// A call that changes something: it is sent again only when it never left.
    ///
    /// # Errors
    /// See [`GrpcError`].
    pub async fn write<T, F>(&self, method: &str, call: impl Fn(Channel) -> F) -> Result<T, GrpcError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let answer = self.exchange(method, Repetition::OnlyIfNeverSent, call).await?;
        Ok(answer.value)
    }

    /// A call whose answer is a stream. It is sent again until the stream begins; its limit holds until it ends.
    ///
    /// # Errors
    /// Why the stream did not begin; see [`GrpcError`].
    pub async fn stream<T, F>(&self, method: &str, call: impl Fn(Channel) -> F) -> Result<Messages<T>, GrpcError>
    where
        F: Future<Output = Result<Response<Streaming<T>>, Status>>,
    {
        let answer = self.exchange(method, Repetition::Safe, call).await?;
        let (environment, until, limit) = (self.environment.clone(), answer.until, answer.limit);
        Ok(Messages {
            inner: answer.value,
            noted: answer.noted,
            time: Box::pin(async move {
                let remaining = until.remaining(environment.clock());
                environment.clock().sleep(remaining).await;
                GrpcTrouble::TimedOut(limit)
            }),
            service: self.service.clone(),
            attempts: answer.attempts,
            has_ended: false,
        })
    }

    async fn exchange<T, F>(
        &self,
        method: &str,
        repetition: Repetition,
        call: impl Fn(Channel) -> F,
    ) -> Result<Answered<T>, GrpcError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let span = traces::span_of(&self.service, method, &self.context, &self.environment);
        let attempts = Box::pin(self.attempts(repetition, call));
        let answer = attempts.instrument(span.clone()).await;
        traces::note(&span, &answer);
        answer
    }

    async fn attempts<T, F>(
        &self,
        repetition: Repetition,
        call: impl Fn(Channel) -> F,
    ) -> Result<Answered<T>, GrpcError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let clock = self.environment.clock();
        let context = match self.environment.trace_context() {
            Some(place) => self.context.clone().at(place),
            None => self.context.clone(),
        };
        let limit = self.settings.answer_within.min(context.deadline().remaining(clock));
        let until = Deadline::after(limit, clock);
        let made = AtomicU32::new(0);
        let attempt = |number: u32| {
            made.fetch_add(1, Ordering::Relaxed);
            traces::attempt(number);
            let noted = Noted::default();
            let channel = Channel {
                transport: self.transport.clone(),
                origin: self.origin.clone(),
                context: context.clone(),
                until,
                attempt: number,
                identity: self.settings.identity.clone(),
                environment: self.environment.clone(),
                noted: noted.clone(),
            };
            // On the heap: what generated code makes of a call is large, and would be part of every step around it.
            self.guarded(until, noted, Box::pin(call(channel)))
        };
        // The attempt itself knows when its time is over; this is for waits in between.
        let deadline = Deadline::after(limit + GRACE, clock);
        let answer = self.retries.run(deadline, repetition, attempt).await;
        let attempts = made.load(Ordering::Relaxed);
        match answer {
            Ok((value, noted)) => Ok(Answered {
                value,
                noted,
                until,
                limit,
                attempts,
            }),
            Err(trouble) => {
                let trouble = match trouble {
                    // The time of the last attempt says less than that of the whole call.
                    GrpcTrouble::TimedOut(_) if until.remaining(clock).is_zero() => GrpcTrouble::TimedOut(limit),
                    trouble => trouble,
                };
                Err(GrpcError::new(self.service.clone(), attempts, trouble))
            }
        }
    }

    /// One attempt: the circuit outermost, so that what it refuses takes no place of others; its limit innermost, so that what
    /// hangs counts as a failure.
    async fn guarded<T, F>(&self, until: Deadline, noted: Noted, call: F) -> Result<(T, Noted), GrpcTrouble>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let limited = Box::pin(async {
            let remaining = until.remaining(self.environment.clock());
            let limit = self
                .settings
                .attempt_within
                .map_or(remaining, |limit| limit.min(remaining));
            if limit.is_zero() {
                return Err(GrpcTrouble::TimedOut(limit));
            }
            match self.environment.within(limit, call).await {
                None => Err(GrpcTrouble::TimedOut(limit)),
                Some(Err(status)) => Err(noted.trouble(&status)),
                Some(Ok(answer)) => Ok((answer.into_inner(), noted)),
            }
        });
        let placed = Box::pin(async {
            match &self.settings.bulkhead {
                Some(bulkhead) => bulkhead.call(|| limited).await,
                None => limited.await,
            }
        });
        match &self.settings.circuit {
            Some(circuit) => circuit.call(|| placed).await,
            None => placed.await,
        }
    }
}

/// What a call was answered with.
struct Answered<T> {
    value: T,
    noted: Noted,
    until: Deadline,
    limit: Duration,
    attempts: u32,
}

fn origin_of(text: &str) -> Result<(Scheme, Authority), InvalidOrigin> {
    let parts = text.parse::<Uri>().map_err(|_| InvalidOrigin(()))?.into_parts();
    let scheme = parts
        .scheme
        .filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
    let has_no_path = parts.path_and_query.is_none_or(|path| path == "/");
    match (scheme, parts.authority) {
        (Some(scheme), Some(authority)) if has_no_path && !text.contains(['@', '#']) => Ok((scheme, authority)),
        _ => Err(InvalidOrigin(())),
    }
}

impl fmt::Debug for GrpcClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GrpcClient")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_an_address_and_nothing_more() {
        for origin in ["http://parcels:50051", "https://parcels.internal", "http://[::1]:1/"] {
            assert!(origin_of(origin).is_ok(), "{origin}");
        }
        for other in [
            "",
            "parcels:50051",
            "/x",
            "ftp://parcels",
            "http://parcels/v1",
            "http://parcels?x=1",
            "http://ada:secret@parcels",
            "http://",
        ] {
            let refused = origin_of(other).unwrap_err();
            assert!(!refused.to_string().contains("secret"), "{other}");
        }
    }
}
