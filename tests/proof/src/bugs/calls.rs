//! Bugs of calls to systems outside.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{Deadline, Delivery, ParkReason, TableWriter, Verdict};
use onecommit_simulation::{BatchHandler, Outside, OutsideError, Process, Sabotage};

use super::bug::Bug;
use super::rewriting::{ledger, ledger_key};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "key-of-each-delivery",
        "A call is made twice: its idempotency key is another one for each delivery.",
        |_| Arc::new(KeyOfEachDelivery::default()),
    ),
    Bug::sabotage(
        "unknown-call-released",
        "A call is made twice: one that may have happened counts as not made.",
        |_| Arc::new(UnknownCallReleased),
    ),
    Bug::sabotage(
        "take-over-without-probe",
        "A call is made twice: who takes a lease over does not ask what became of the call.",
        |_| Arc::new(TakeOverWithoutProbe),
    ),
    Bug::sabotage(
        "probe-guessed",
        "A call is made twice: when the probe cannot tell, it is taken for not made.",
        |process| Arc::new(ProbeGuessed(process.clone())),
    ),
];

/// The deliveries of the batch at hand; their receipts become a part of every key.
#[derive(Default)]
struct KeyOfEachDelivery(Mutex<String>);

#[async_trait]
impl Sabotage for KeyOfEachDelivery {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let receipts: Vec<&str> = deliveries.iter().map(|delivery| &*delivery.receipt).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = receipts.join(", ");
        handler.handle(deliveries, deadline).await
    }

    async fn call(&self, outside: &Outside, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        let receipts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        outside
            .send(request, key.map(|key| format!("{key} of {receipts}")))
            .await
    }
}

struct UnknownCallReleased;

#[async_trait]
impl Sabotage for UnknownCallReleased {
    async fn call(&self, outside: &Outside, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        let is_guarded = key.is_none();
        let answer = outside.send(request, key).await;
        answer.map_err(|error| if is_guarded { OutsideError::NotDone } else { error })
    }
}

struct TakeOverWithoutProbe;

#[async_trait]
impl Sabotage for TakeOverWithoutProbe {
    async fn probe(&self, _: &Outside, _: String) -> Result<Option<u64>, OutsideError> {
        Ok(None)
    }
}

/// A message that would be parked for it is handled once more, as if it had never been touched.
struct ProbeGuessed(Process);

#[async_trait]
impl Sabotage for ProbeGuessed {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let mut verdicts = handler.handle(deliveries, deadline).await;
        for (delivery, verdict) in deliveries.iter().zip(&mut verdicts) {
            let Verdict::Park {
                reason: ParkReason::CallOutcomeUnknown,
                ..
            } = verdict
            else {
                continue;
            };
            let Some(key) = ledger_key(handler.name(), delivery) else {
                continue;
            };
            let forgotten = self.0.tables().write(&ledger().delete(key).into()).await;
            let again = match forgotten {
                Ok(()) => handler.handle(std::slice::from_ref(delivery), deadline).await.pop(),
                Err(_) => None,
            };
            if let Some(again) = again {
                *verdict = again;
            }
        }
        verdicts
    }
}
