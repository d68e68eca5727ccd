use std::fmt;
use std::future::Future;
use std::sync::Arc;

use onecommit_event::{Event, EventId, Payload};
use sha2::{Digest, Sha256};
use tower::{BoxError, service_fn};

use super::{Carried, Effect, Failure, HandlerService, Kind, Message, decode};
use crate::commit::Commit;

/// A handler that also calls outside systems which honour an idempotency key: first the calls, then the commit.
///
/// However often it runs for one message, each of its calls has the same key every time, so the other side acts once.
/// Keys come from [`IdempotencyKeys`] only.
///
/// A plain `async fn(Event<P>, IdempotencyKeys) -> Result<Commit, Failure>` is one.
pub trait Keyed<P>: Send + Sync + 'static {
    /// Makes the calls, and returns what the event changes.
    ///
    /// # Errors
    /// See [`Failure`]. A call that failed may be made again with the same key.
    fn handle(&self, event: Event<P>, calls: IdempotencyKeys) -> impl Future<Output = Result<Commit, Failure>> + Send;
}

impl<P, F, Fut> Keyed<P> for F
where
    F: Fn(Event<P>, IdempotencyKeys) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Commit, Failure>> + Send,
{
    fn handle(&self, event: Event<P>, calls: IdempotencyKeys) -> impl Future<Output = Result<Commit, Failure>> + Send {
        self(event, calls)
    }
}

/// The calls that one message may make: gives each its idempotency key.
#[derive(Clone, Debug)]
pub struct IdempotencyKeys {
    consumer: Arc<str>,
    event_id: EventId,
}

impl IdempotencyKeys {
    /// The key of the call of this name: the same for every delivery of the message and every run of the handler,
    /// another for every other consumer, event and name.
    #[must_use]
    pub fn key(&self, call: &str) -> IdempotencyKey {
        let mut hash = Sha256::new();
        for part in [&*self.consumer, &self.event_id.to_string(), call] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        IdempotencyKey(hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What to send along with a call, often in the header `Idempotency-Key`: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

pub(crate) fn service<P: Payload, H: Keyed<P>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move {
            let event = decode::<P>(&message.event)?;
            let calls = IdempotencyKeys {
                consumer: message.leases.consumer(),
                event_id: event.id(),
            };
            let commit = handler.handle(event, calls).await.map_err(Carried::from)?;
            Ok::<_, BoxError>(Effect(Kind::Commit(commit)))
        }
    }))
}
