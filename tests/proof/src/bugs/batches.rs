//! Bugs of how a batch is handled, and of what becomes of its messages.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Deadline, Delivery, ParkReason, ParkedMessage, QueueError, RetryReason, TableWriter, Value, Verdict,
    Write,
};
use onecommit_simulation::{BatchHandler, Process, Sabotage, SimulatedQueue};

use super::bug::Bug;
use super::rewriting::{event_in, is_record, ledger, ledger_key, not_handled, unconditional, verdicts_on_the_rest};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "marked-before-handling",
        "A message may never be handled: it is marked as handled in a request of its own, before the handler runs.",
        |process| Arc::new(MarkedBeforeHandling(process.clone())),
    ),
    Bug::sabotage(
        "fingerprint-ignored",
        "An event is dropped: another one under an id that was handled counts as a copy.",
        |_| Arc::new(FingerprintIgnored),
    ),
    Bug::sabotage(
        "remembered-too-early",
        "A message is dropped: the process remembers it as handled before its commit has landed.",
        |_| Arc::new(RememberedTooEarly::default()),
    ),
    Bug::sabotage(
        "waits-without-limit",
        "A message is handled long after an outage: the wait before it is delivered again grows without a limit.",
        |_| Arc::new(WaitsWithoutLimit),
    ),
    Bug::sabotage(
        "lane-goes-on",
        "A message overtakes another of its group: the lane goes on after one that has to come back.",
        |_| Arc::new(LaneGoesOn),
    ),
    Bug::sabotage(
        "parked-is-overtaken",
        "A message is overtaken and then handled: the lane goes on behind one that the dead-letter queue does not take.",
        |_| Arc::new(ParkedIsOvertaken),
    ),
    Bug::sabotage(
        "old-events-accepted",
        "A copy changes the world again: it comes when the ledger has forgotten, and is not recognised as that old.",
        |process| Arc::new(OldEventsAccepted(process.clone())),
    ),
    Bug::sabotage(
        "parking-failure-is-finished",
        "A message is dropped: one that the dead-letter queue did not take counts as parked.",
        |_| Arc::new(ParkingFailureIsFinished),
    ),
    Bug::sabotage(
        "given-up-is-dropped",
        "A message is dropped: one that failed too often counts as done and is not parked.",
        |_| Arc::new(GivenUpIsDropped),
    ),
    Bug::sabotage(
        "deadline-ignored",
        "A batch ends without verdicts: what hangs, or takes long, is waited for beyond the end of the invocation.",
        |_| Arc::new(DeadlineIgnored),
    ),
];

/// The mark does not fail the commit that follows it.
struct MarkedBeforeHandling(Process);

#[async_trait]
impl Sabotage for MarkedBeforeHandling {
    fn alter(&self, write: Write) -> Write {
        if is_record(&write) { unconditional(write) } else { write }
    }

    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let mut decided = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            decided.push(match ledger_key(handler.name(), delivery) {
                Some(key) => {
                    let outcome = [("outcome".to_owned(), Value::from("handled"))];
                    let mark = ledger().put(key, outcome).only_if_absent();
                    let marked = self.0.tables().write(&mark.into()).await;
                    matches!(marked, Err(DatabaseError::Cancelled(_))).then_some(Verdict::Duplicate)
                }
                None => None,
            });
        }
        verdicts_on_the_rest(handler, deliveries, deadline, decided).await
    }
}

struct FingerprintIgnored;

#[async_trait]
impl Sabotage for FingerprintIgnored {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let counts = |verdict| match verdict {
            Verdict::Park {
                reason: ParkReason::ContradictsHandled,
                ..
            } => Verdict::Duplicate,
            other => other,
        };
        let verdicts = handler.handle(deliveries, deadline).await;
        verdicts.into_iter().map(counts).collect()
    }
}

/// The rows of the ledger that were sent, whatever came of it.
#[derive(Default)]
struct RememberedTooEarly(Mutex<HashSet<String>>);

#[async_trait]
impl Sabotage for RememberedTooEarly {
    fn alter(&self, write: Write) -> Write {
        if is_record(&write) {
            let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.insert(write.target());
        }
        write
    }

    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let decided = {
            let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_remembered = |delivery: &Delivery| {
                let row = ledger_key(handler.name(), delivery).map(|key| Write::from(ledger().delete(key)));
                row.is_some_and(|row| remembered.contains(&row.target()))
            };
            let decide = |delivery| is_remembered(delivery).then_some(Verdict::Duplicate);
            deliveries.iter().map(decide).collect()
        };
        verdicts_on_the_rest(handler, deliveries, deadline, decided).await
    }
}

struct WaitsWithoutLimit;

/// The wait after the first failure; each later one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(2);

#[async_trait]
impl Sabotage for WaitsWithoutLimit {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let mut verdicts = handler.handle(deliveries, deadline).await;
        for (delivery, verdict) in deliveries.iter().zip(&mut verdicts) {
            if let Verdict::Retry { after, reason, .. } = verdict
                && !matches!(
                    reason,
                    RetryReason::HeldBack | RetryReason::NotStarted | RetryReason::Leased
                )
            {
                let doublings = delivery.receive_count.saturating_sub(1).min(31);
                *after = FIRST_WAIT.saturating_mul(1 << doublings);
            }
        }
        verdicts
    }
}

/// One message after the other, each in a batch of its own, and those behind one in its group wait as `holds_back` says.
async fn one_by_one(
    handler: &dyn BatchHandler,
    deliveries: &[Delivery],
    deadline: Deadline,
    holds_back: fn(&Verdict) -> bool,
) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(deliveries.len());
    let mut held_back: HashSet<&str> = HashSet::new();
    for delivery in deliveries {
        let group = delivery.group.as_deref();
        if group.is_some_and(|group| held_back.contains(group)) {
            verdicts.push(not_handled());
            continue;
        }
        let handled = handler.handle(std::slice::from_ref(delivery), deadline).await.pop();
        let verdict = handled.unwrap_or_else(not_handled);
        if holds_back(&verdict) {
            held_back.extend(group);
        }
        verdicts.push(verdict);
    }
    verdicts
}

/// Of each batch, only those behind one that is parked wait.
struct LaneGoesOn;

#[async_trait]
impl Sabotage for LaneGoesOn {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        one_by_one(handler, deliveries, deadline, |verdict| {
            matches!(verdict, Verdict::Park { .. })
        })
        .await
    }
}

/// Of each batch, only those behind one that is redelivered wait.
struct ParkedIsOvertaken;

#[async_trait]
impl Sabotage for ParkedIsOvertaken {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        one_by_one(handler, deliveries, deadline, |verdict| {
            matches!(verdict, Verdict::Retry { .. })
        })
        .await
    }
}

/// What is older than a day looks new.
struct OldEventsAccepted(Process);

const DAY: Duration = Duration::from_secs(24 * 3600);

#[async_trait]
impl Sabotage for OldEventsAccepted {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let now = self.0.environment().clock().now();
        let renewed = |delivery: &Delivery| {
            let old = event_in(delivery).filter(|event| now.since(event.timestamp()) > DAY);
            Delivery {
                body: old.map_or_else(|| delivery.body.clone(), |event| event.with_timestamp(now).to_json()),
                ..delivery.clone()
            }
        };
        let renewed: Vec<Delivery> = deliveries.iter().map(renewed).collect();
        handler.handle(&renewed, deadline).await
    }
}

/// The relay's messages as well as a consumer's.
struct ParkingFailureIsFinished;

#[async_trait]
impl Sabotage for ParkingFailureIsFinished {
    async fn park(&self, queue: &SimulatedQueue, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        let answers = onecommit_engine::Queue::park(queue, messages).await;
        answers.into_iter().map(|_| Ok(())).collect()
    }
}

struct GivenUpIsDropped;

#[async_trait]
impl Sabotage for GivenUpIsDropped {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let counts = |verdict| match verdict {
            Verdict::Park {
                reason:
                    ParkReason::HandlerFailed
                    | ParkReason::HandlerPanicked
                    | ParkReason::HandlerTimedOut
                    | ParkReason::ConditionFailed
                    | ParkReason::CommitRefused,
                ..
            } => Verdict::Done,
            other => other,
        };
        let verdicts = handler.handle(deliveries, deadline).await;
        verdicts.into_iter().map(counts).collect()
    }
}

struct DeadlineIgnored;

#[async_trait]
impl Sabotage for DeadlineIgnored {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], _: Deadline) -> Vec<Verdict> {
        handler.handle(deliveries, Deadline::none()).await
    }
}
