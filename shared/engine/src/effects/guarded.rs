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

/// A handler that calls an outside system without idempotency keys.
///
/// Before the call the engine acquires a lease on the message; while the call runs, the lease is renewed; the commit
/// succeeds only while the lease is held. If a process ends in between, the next one takes over the expired lease, and
/// asks [`Guarded::probe`] for the outcome of the call. If that is unknown the message is parked, never guessed.
///
/// ```text
/// A  lease 1 ─ call ✗ (dies)
/// B               lease 2 ─ probe: it happened ─ commit (A's, had it one, would fail: epoch 1 is over)
/// ```
pub trait Guarded<P>: Send + Sync + 'static {
    /// The answer of the call, which the commit needs.
    type Answer: Send + Sync + 'static;

    /// Makes the call.
    ///
    /// # Errors
    /// See [`CallError`]: what follows depends on whether it is known that nothing happened.
    fn call(&self, event: &Event<P>) -> impl Future<Output = Result<Self::Answer, CallError>> + Send;

    /// Asks the outside system for the outcome of a call that has none. The default is [`CallOutcome::Unknown`].
    ///
    /// # Errors
    /// When it cannot be asked for now: the message is redelivered.
    fn probe(&self, event: &Event<P>) -> impl Future<Output = Result<CallOutcome<Self::Answer>, Failure>> + Send {
        let _ = event;
        async { Ok(CallOutcome::Unknown) }
    }

    /// What the event changes, after the call was answered.
    ///
    /// # Errors
    /// See [`Failure`].
    fn commit(&self, event: &Event<P>, answer: &Self::Answer) -> impl Future<Output = Result<Commit, Failure>> + Send;
}

/// The outcome of a call that was interrupted, as the outside system reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome<A> {
    /// It happened, with this answer.
    Happened(A),
    /// It did not happen: it is safe to make it.
    DidNotHappen,
    /// The outcome cannot be found out: the message is parked.
    Unknown,
}

/// Why a call failed, by what is known about its effect.
#[derive(Debug)]
pub enum CallError {
    /// Nothing happened at the other side, for example because there was no connection: the call may be made again, as
    /// often as it takes.
    NotDone(BoxError),
    /// It may have happened, for example because there was no answer in time: the probe is asked.
    Unknown(BoxError),
    /// It was rejected, and nothing happened: the message is parked with this text.
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
            Ok(CallOutcome::Happened(answer)) => (lease, Some(answer)),
            Ok(CallOutcome::DidNotHappen) => (lease, None),
            Ok(CallOutcome::Unknown) => return Ok(Kind::Decided(nobody_can_tell(leases, &lease).await)),
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
    let error = "a call was made whose outcome is not known, and the handler's probe cannot find it out; \
                 ask the other side, then redrive or delete the message";
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
            warn!(error = %error, "guarded call ended without an answer; its probe will be asked");
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
