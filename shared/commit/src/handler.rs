use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use onecommit_event::{Event, EventError, Payload};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, service_fn};

use crate::commit::Commit;

/// A handler that only changes tables and causes events. All of it is one transaction with the record that the message
/// was handled: the default, and the safest there is.
///
/// A plain `async fn(Event<P>) -> Result<Commit, Failure>` is one; so is any type that implements this.
///
/// It may run more than once for one message - its commit lands once. So it must do nothing but read: whatever it
/// wants to happen belongs into the commit it returns.
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

/// Why a handler could not handle an event, by what to do about it.
#[derive(Debug)]
pub enum Failure {
    /// It never will: the message is parked with these words.
    Reject(String),
    /// It may, later: the message comes back, ever more slowly, and is parked if it fails too often.
    Transient(BoxError),
    /// The event is not what its type promises: the message is parked.
    Invalid(EventError),
}

impl Failure {
    /// The event cannot be handled, now or later.
    pub fn reject(why: impl Into<String>) -> Self {
        Self::Reject(why.into())
    }

    /// The event cannot be handled for now.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        Self::Transient(error.into())
    }
}

/// With `?`, any error is one that may pass.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Transient(Box::new(error))
    }
}

/// What a layer around a handler sees of a message.
#[derive(Clone, Debug)]
pub struct Message {
    /// The event, its payload not yet looked into.
    pub event: Event,
    /// How often the message has been delivered, this time included.
    pub receive_count: u32,
}

/// What a handler came up with, as a layer around it sees it.
#[derive(Debug)]
pub struct Effect {
    pub(crate) commit: Commit,
}

impl Effect {
    /// What shall change.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }
}

/// A handler with its layers, for messages of one event type.
pub(crate) type HandlerService = BoxCloneSyncService<Message, Effect, BoxError>;

pub(crate) fn atomic<P: Payload, H: Atomic<P>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move {
            let event = message.event.decode::<P>().map_err(|error| Carried(Failure::Invalid(error)))?;
            let commit = handler.handle(event).await.map_err(Carried)?;
            Ok::<_, BoxError>(Effect { commit })
        }
    }))
}

/// A failure on its way through the layers, whose errors are boxed.
#[derive(Debug)]
struct Carried(Failure);

impl fmt::Display for Carried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Failure::Reject(why) => formatter.write_str(why),
            Failure::Transient(error) => error.fmt(formatter),
            Failure::Invalid(error) => error.fmt(formatter),
        }
    }
}

impl Error for Carried {}

/// The failure that comes out of the layers; an error of a layer's own may pass.
pub(crate) fn failure_of(error: BoxError) -> Failure {
    match error.downcast::<Carried>() {
        Ok(carried) => carried.0,
        Err(error) => Failure::Transient(error),
    }
}
