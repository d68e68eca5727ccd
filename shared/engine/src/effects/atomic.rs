use std::future::Future;
use std::sync::Arc;

use onecommit_event::{Event, Payload, RawPayload};
use tower::{BoxError, service_fn};

use super::{Carried, Effect, Failure, HandlerService, Kind, Message, decode};
use crate::commit::Commit;

/// A handler that only changes tables and appends events, in one transaction with the record that the message was
/// handled. The default, and the safest class.
///
/// A plain `async fn(Event<P>) -> Result<Commit, Failure>` is one; so is any type that implements this.
///
/// It may run more than once for one message; its commit takes effect once. So it may only read: all its effects belong
/// into the commit it returns.
pub trait Atomic<P>: Send + Sync + 'static {
    /// What the event changes.
    ///
    /// # Errors
    /// See [`Failure`].
    fn handle(&self, event: Event<P>) -> impl Future<Output = Result<Commit, Failure>> + Send;
}

impl<P, F, Fut> Atomic<P> for F
where
    F: Fn(Event<P>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Commit, Failure>> + Send,
{
    fn handle(&self, event: Event<P>) -> impl Future<Output = Result<Commit, Failure>> + Send {
        self(event)
    }
}

pub(crate) fn service<P: Payload, H: Atomic<P>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move {
            let event = decode::<P>(&message.event)?;
            let commit = handler.handle(event).await.map_err(Carried::from)?;
            Ok::<_, BoxError>(Effect(Kind::Commit(commit)))
        }
    }))
}

pub(crate) fn raw_service<H: Atomic<RawPayload>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move {
            let commit = handler.handle(message.event).await.map_err(Carried::from)?;
            Ok::<_, BoxError>(Effect(Kind::Commit(commit)))
        }
    }))
}
