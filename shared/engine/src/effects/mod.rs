//! The five classes of effects a handler may have. Types keep them apart: a handler gets only what its class may use,
//! and returns only what its class may cause.
//!
//! | class | may | costs | choose it when |
//! |---|---|---|---|
//! | [`Atomic`] | read, then change any rows | one request, 2 units per row and 2 for the ledger | the default |
//! | [`Embedded`] | read, then change one row that follows from the event | one request, 1 unit | all changes of a message are in one row, which is only ever updated |
//! | [`Sequenced`] | change one row by what the event alone says | one request, 1 unit | the row belongs to one aggregate whose events carry a sequence |
//! | [`Keyed`] | also call systems that honour an idempotency key | as `Atomic`, plus the calls | the other side knows such keys |
//! | [`Guarded`] | also call one system that does not | one request more, for the lease | nothing else is left |

mod atomic;
mod embedded;
mod guarded;
mod keyed;
mod sequenced;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use onecommit_event::claim_check::StoreError;
use onecommit_event::{Event, EventError};
use tower::BoxError;
use tower::util::BoxCloneSyncService;

pub use atomic::Atomic;
pub(crate) use atomic::{raw_service as atomic_raw_service, service as atomic_service};
pub(crate) use embedded::service as embedded_service;
pub use embedded::{AlsoInLedger, Embedded, MovedRow, RowOf, RowUpdate};
pub(crate) use guarded::service as guarded_service;
pub use guarded::{CallError, CallOutcome, Guarded};
pub(crate) use keyed::service as keyed_service;
pub use keyed::{IdempotencyKey, IdempotencyKeys, Keyed};
pub(crate) use sequenced::{Gate, service as sequenced_service};
pub use sequenced::{Sequenced, SequencedUpdate};

use crate::commit::Commit;
use crate::embedded::change::Change;
use crate::lease::{Lease, Leases};
use crate::table_writer::DatabaseError;
use crate::verdict::Verdict;

/// Why a handler could not handle an event, by what to do about it.
#[derive(Debug)]
pub enum Failure {
    /// It never will: the message is parked with these words.
    Reject(String),
    /// It may, later: the message is redelivered, ever more slowly, and parked if it fails too often.
    Transient(BoxError),
    /// What the handler depends on is out of reach: the message is redelivered, ever more slowly, until it is not, however
    /// often that takes.
    Unavailable(BoxError),
    /// The event is not what its type promises: the message is parked.
    Invalid(EventError),
}

impl Failure {
    /// The event cannot be handled, now or later.
    pub fn reject(why: impl Into<String>) -> Self {
        Self::Reject(why.into())
    }

    /// The event cannot be handled for now. A database that is out of reach is recognised among the error's sources.
    pub fn transient(error: impl Into<BoxError>) -> Self {
        let error = error.into();
        if is_outage(&*error) {
            Self::Unavailable(error)
        } else {
            Self::Transient(error)
        }
    }

    /// Something the handler depends on does not answer, or takes no more requests for now: a service, a provider. That is
    /// not the message's fault and never counts against it.
    ///
    /// ```
    /// # use onecommit_engine::Failure;
    /// # fn ask() -> Result<(), std::io::Error> { Ok(()) }
    /// # fn handler() -> Result<(), Failure> {
    /// let answer = ask().map_err(Failure::unavailable)?;
    /// # Ok(()) }
    /// ```
    pub fn unavailable(error: impl Into<BoxError>) -> Self {
        Self::Unavailable(error.into())
    }

    /// The same, of somebody whose failures only say that what it asks is out of reach.
    pub(crate) fn of_asking(self) -> Self {
        match self {
            Self::Transient(error) => Self::Unavailable(error),
            other => other,
        }
    }
}

/// Whether an error says, itself or by one of its sources, that a database or a payload store is out of reach.
fn is_outage(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let of_database = error.downcast_ref().is_some_and(|error: &DatabaseError| {
            matches!(error, DatabaseError::Transient(..) | DatabaseError::Misconfigured(_))
        });
        let of_store = error.downcast_ref();
        if of_database || of_store.is_some_and(|error| matches!(error, StoreError::Transient(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// With `?`, any error is one that may pass; see [`Failure::transient`].
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::transient(error)
    }
}

/// A message, as a layer around a handler gets it.
#[derive(Clone)]
pub struct Message {
    /// The event, its payload not decoded yet.
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

/// The result of a handler, which a layer around it passes on unchanged.
pub struct Effect(pub(crate) Kind);

pub(crate) enum Kind {
    /// Lands with a new ledger row.
    Commit(Commit),
    /// Lands in one row, which records it.
    Embedded(Change),
    /// Lands alone, gated by the sequence.
    View(SequencedUpdate),
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
            Kind::Embedded(change) => formatter.debug_tuple("Effect").field(change).finish(),
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
            Failure::Transient(error) | Failure::Unavailable(error) => error.fmt(formatter),
            Failure::Invalid(error) => error.fmt(formatter),
        }
    }
}

impl Error for Carried {}

/// The failure that comes out of the layers; an error of a layer's own may pass.
pub(crate) fn failure_of(error: BoxError) -> Failure {
    match error.downcast::<Carried>() {
        Ok(carried) => carried.0,
        Err(error) => Failure::transient(error),
    }
}

/// The event with its payload read.
pub(crate) fn decode<P: onecommit_event::Payload>(event: &Event) -> Result<Event<P>, Carried> {
    event.decode().map_err(|error| Carried(Failure::Invalid(error)))
}
