//! The four classes of effects a handler may have. Types keep them apart: a handler gets only what its class may use,
//! and returns only what its class may cause.
//!
//! | class | may | costs | choose it when |
//! |---|---|---|---|
//! | [`Atomic`] | read, then change any rows | one request, 2 units per row and 2 for the ledger | the default |
//! | [`Projection`] | change one row by what the event alone says | one request, 1 unit | the row belongs to one aggregate whose events carry a sequence |
//! | [`Keyed`] | also call systems that honour an idempotency key | as `Atomic`, plus the calls | the other side knows such keys |
//! | [`Guarded`] | also call one system that does not | one request more, for the lease | nothing else is left |

mod atomic;
mod guarded;
mod keyed;
mod projection;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use onecommit_event::{Event, EventError};
use tower::BoxError;
use tower::util::BoxCloneSyncService;

pub use atomic::Atomic;
pub(crate) use atomic::{raw_service as atomic_raw_service, service as atomic_service};
pub(crate) use guarded::service as guarded_service;
pub use guarded::{CallError, Guarded, Probed};
pub(crate) use keyed::service as keyed_service;
pub use keyed::{Calls, IdempotencyKey, Keyed};
pub(crate) use projection::{Gate, service as projection_service};
pub use projection::{Projection, View};

use crate::commit::Commit;
use crate::lease::{Lease, Leases};
use crate::verdict::Verdict;

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
#[derive(Clone)]
pub struct Message {
    /// The event, its payload not yet looked into.
    pub event: Event,
    /// How often the message has been delivered, this time included.
    pub receive_count: u32,
    pub(crate) leases: Arc<Leases>,
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            event, receive_count, ..
        } = self;
        formatter
            .debug_struct("Message")
            .field("event", event)
            .field("receive_count", receive_count)
            .finish()
    }
}

/// What a handler came up with. A layer around it hands it on as it is.
pub struct Effect(pub(crate) Kind);

pub(crate) enum Kind {
    /// Lands with a new ledger row.
    Commit(Commit),
    /// Lands alone, gated by the sequence.
    View(View),
    /// Lands with the ledger row that holds the lease.
    Leased(Leased),
    /// There is nothing to land.
    Decided(Verdict),
}

/// A call that was made under a lease, and how to say what follows from it, also a second time.
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    pub(crate) plan: Arc<dyn Fn() -> BoxFuture<'static, Result<Commit, Failure>> + Send + Sync>,
}

impl fmt::Debug for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Commit(commit) => formatter.debug_tuple("Effect").field(commit).finish(),
            Kind::View(view) => formatter.debug_tuple("Effect").field(view).finish(),
            Kind::Leased(_) => formatter.write_str("Effect(Leased)"),
            Kind::Decided(verdict) => formatter.debug_tuple("Effect").field(verdict).finish(),
        }
    }
}

/// A handler with its layers, for messages of one event type.
pub(crate) type HandlerService = BoxCloneSyncService<Message, Effect, BoxError>;

/// A failure on its way through the layers, whose errors are boxed.
#[derive(Debug)]
pub(crate) struct Carried(Failure);

impl From<Failure> for Carried {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

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

/// The event with its payload read.
pub(crate) fn decode<P: onecommit_event::Payload>(event: &Event) -> Result<Event<P>, Carried> {
    event.decode().map_err(|error| Carried(Failure::Invalid(error)))
}
