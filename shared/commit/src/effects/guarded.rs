use std::future::Future;
use std::sync::Arc;

use futures_util::future::FutureExt;
use onecommit_event::{Event, Payload};
use tower::{BoxError, service_fn};
use tracing::warn;

use super::{Carried, Effect, Failure, HandlerService, Kind, Leased, Message, decode};
use crate::commit::Commit;
use crate::lease::{Acquired, Lease, Leases};
use crate::verdict::{ParkReason, RetryReason, Verdict};

/// A handler that calls an outside system which honours no idempotency key.
///
/// Before the call it takes a lease on the message; while the call runs, the lease is renewed; the commit lands only
/// while the lease is held. When a process died between, the next one takes the lapsed lease over, and asks
/// [`Guarded::probe`] what became of the call. Without an answer the message is parked: it is never guessed.
///
/// ```text
/// A  lease 1 ─ call ✗ (dies)
/// B               lease 2 ─ probe: it happened ─ commit (A's, had it one, would fail: epoch 1 is over)
/// ```
pub trait Guarded<P>: Send + Sync + 'static {
    /// What the call answers and the commit needs.
    type Answer: Send + Sync + 'static;

    /// Makes the call.
    ///
    /// # Errors
    /// See [`CallError`]: whether it is known that nothing happened makes all the difference.
    fn call(&self, event: &Event<P>) -> impl Future<Output = Result<Self::Answer, CallError>> + Send;

    /// Asks the outside system what became of a call whose end nobody saw. The default knows nothing.
    ///
    /// # Errors
    /// When it cannot be asked for now: the message comes back.
    fn probe(&self, event: &Event<P>) -> impl Future<Output = Result<Probed<Self::Answer>, Failure>> + Send {
        let _ = event;
        async { Ok(Probed::Unknown) }
    }

    /// What the event changes, after the call was answered.
    ///
    /// # Errors
    /// See [`Failure`].
    fn commit(&self, event: &Event<P>, answer: &Self::Answer) -> impl Future<Output = Result<Commit, Failure>> + Send;
}

/// What became of a call whose end nobody saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed<A> {
    /// It happened, and this is what it would have answered.
    Happened(A),
    /// It did not: it is safe to make it.
    DidNotHappen,
    /// Nobody can tell: the message is parked.
    Unknown,
}

/// Why a call was not answered, by what is known of it.
#[derive(Debug)]
pub enum CallError {
    /// Nothing happened at the other side, for example because there was no connection: the call may be made again, as
    /// often as it takes.
    NotDone(BoxError),
    /// It may have happened, for example because the answer did not come in time: the probe has to tell.
    Unknown(BoxError),
    /// It was refused for good, and nothing happened: the message is parked with these words.
    Rejected(String),
}

pub(crate) fn service<P: Payload, H: Guarded<P>>(handler: H) -> HandlerService {
    let handler = Arc::new(handler);
    HandlerService::new(service_fn(move |message: Message| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, BoxError>(Effect(run::<P, H>(handler, message).await?)) }
    }))
}

async fn run<P: Payload, H: Guarded<P>>(handler: Arc<H>, message: Message) -> Result<Kind, Carried> {
    let event = Arc::new(decode::<P>(&message.event)?);
    let leases = &message.leases;
    let (lease, answer) = match leases.acquire(&message.event).await {
        Acquired::Fresh(lease) => (lease, None),
        Acquired::TakenOver(lease) => match leases.renewing(&lease, handler.probe(&event)).await {
            Ok(Probed::Happened(answer)) => (lease, Some(answer)),
            Ok(Probed::DidNotHappen) => (lease, None),
            Ok(Probed::Unknown) => return Ok(Kind::Decided(nobody_can_tell(leases, &lease).await)),
            Err(failure) => {
                leases.lapse(&lease).await;
                return Err(failure.of_asking().into());
            }
        },
        Acquired::Not(verdict) => return Ok(Kind::Decided(verdict)),
    };
    let answer = match answer {
        Some(answer) => answer,
        None => match leases.renewing(&lease, handler.call(&event)).await {
            Ok(answer) => answer,
            Err(error) => return call_failed(leases, &lease, error).await,
        },
    };
    let answer = Arc::new(answer);
    let plan = move || {
        let (handler, event, answer) = (Arc::clone(&handler), Arc::clone(&event), Arc::clone(&answer));
        async move { handler.commit(&event, &answer).await }.boxed()
    };
    Ok(Kind::Leased(Leased {
        lease,
        plan: Arc::new(plan),
    }))
}

/// The lease lapses at once, so that a redriven message asks the probe again.
async fn nobody_can_tell(leases: &Leases, lease: &Lease) -> Verdict {
    leases.lapse(lease).await;
    let error = "a call was made whose end nobody saw, and the handler's probe cannot tell what became of it; \
                 find out, then redrive or delete the message";
    Verdict::park(ParkReason::CallOutcomeUnknown, error)
}

async fn call_failed(leases: &Leases, lease: &Lease, error: CallError) -> Result<Kind, Carried> {
    match error {
        CallError::NotDone(error) => {
            leases.release(lease).await;
            Err(Failure::Unavailable(error).into())
        }
        CallError::Rejected(why) => {
            leases.release(lease).await;
            Err(Failure::Reject(why).into())
        }
        CallError::Unknown(error) => {
            warn!(error = %error, "a guarded call ended without an answer; the probe has to tell");
            leases.lapse(lease).await;
            let after = leases.duration() / 10;
            Ok(Kind::Decided(Verdict::retry(
                after,
                RetryReason::CallOutcomeUnknown,
                error,
            )))
        }
    }
}
