//! Leases on messages whose handlers call systems that honour no idempotency key.
//!
//! A lease is the message's ledger row with an owner, an epoch and an end. Every later write to it is conditional on
//! owner and epoch, so that whoever lost the lease - stopped for a while, clock off, cut off from the network - can
//! change nothing any more.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_environment::Environment;
use onecommit_event::Event;
use tracing::warn;

use crate::condition::Condition;
use crate::ledger::{HANDLED, Handled, LEASED, Ledger};
use crate::metrics::Metrics;
use crate::table_writer::{Cancellation, DatabaseError, TableWriter};
use crate::value::{Item, Value};
use crate::verdict::{RetryReason, Verdict, copy_verdict};
use crate::write::{Key, Update, Write};

/// The right to handle one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    key: String,
    owner: String,
    epoch: u64,
}

/// What came of trying to get one.
pub(crate) enum Acquired {
    /// Nobody had it before.
    Fresh(Lease),
    /// Somebody had it and let it lapse: his call may have happened.
    TakenOver(Lease),
    /// The message is handled, in somebody's hands, or out of reach for now.
    Not(Verdict),
}

/// Gets, renews and gives back leases for one consumer.
pub(crate) struct Leases {
    consumer: Arc<str>,
    ledger: Ledger,
    database: Arc<dyn TableWriter>,
    environment: Environment,
    metrics: Arc<Metrics>,
    duration: Duration,
}

impl Leases {
    pub(crate) fn new(
        consumer: &str,
        ledger: Ledger,
        database: Arc<dyn TableWriter>,
        environment: Environment,
        metrics: Arc<Metrics>,
        duration: Duration,
    ) -> Self {
        Self {
            consumer: consumer.into(),
            ledger,
            database,
            environment,
            metrics,
            duration,
        }
    }

    pub(crate) fn consumer(&self) -> Arc<str> {
        Arc::clone(&self.consumer)
    }

    /// How long a lease holds without being renewed.
    pub(crate) fn duration(&self) -> Duration {
        self.duration
    }

    /// Takes the lease on a message, or tells why not.
    pub(crate) async fn acquire(&self, event: &Event) -> Acquired {
        let asked = self.environment.clock().instant();
        let acquired = self.try_to_acquire(event).await;
        // The lease counts from when it was asked for. What was slow to get may soon be over, and somebody else's.
        let took = self.environment.clock().instant().saturating_duration_since(asked);
        if took < self.duration / 2 {
            return acquired;
        }
        match &acquired {
            Acquired::Fresh(lease) => self.release(lease).await,
            Acquired::TakenOver(lease) => self.lapse(lease).await,
            Acquired::Not(_) => return acquired,
        }
        let error = format!("acquiring the lease took too long: {} ms", took.as_millis());
        Acquired::Not(self.soon(error))
    }

    async fn try_to_acquire(&self, event: &Event) -> Acquired {
        let key = Ledger::key_of(&self.consumer, event.id());
        let lease = Lease {
            key,
            owner: self.environment.ids().next().to_string(),
            epoch: 1,
        };
        let now = self.environment.clock().now();
        let handled = Handled {
            id: event.id(),
            event_type: event.event_type(),
            fingerprint: event.fingerprint(),
            message_id: "",
        };
        let until = now.plus(self.duration).unix_ms();
        let claim = self
            .ledger
            .lease(&self.consumer, &handled, now, &lease.owner, lease.epoch, until);
        match self.write(claim.into()).await {
            Ok(()) => Acquired::Fresh(lease),
            Err(DatabaseError::Cancelled(reasons)) => match reasons.into_iter().next() {
                Some(Cancellation::ConditionFailed(Some(found))) => self.acquire_found(event, lease, &found).await,
                _ => Acquired::Not(self.soon("the ledger row was deleted while it was read")),
            },
            Err(error) => Acquired::Not(self.soon(error)),
        }
    }

    async fn acquire_found(&self, event: &Event, lease: Lease, found: &Item) -> Acquired {
        let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let says_the_same = event.says_what(&text("fingerprint"));
        if text("outcome") == HANDLED || !says_the_same {
            return Acquired::Not(copy_verdict(event.id(), says_the_same));
        }
        let until = found.get("leaseUntil").and_then(Value::as_i64).unwrap_or(0);
        let now = self.environment.clock().now();
        if until > now.unix_ms() {
            let left = u64::try_from(until - now.unix_ms()).unwrap_or(0);
            let error = format!("another delivery holds the lease for {left} ms more");
            return Acquired::Not(Verdict::retry(Duration::from_millis(left), RetryReason::Leased, error));
        }
        let epoch = found.get("epoch").and_then(Value::as_u64).unwrap_or(0);
        let before = Lease {
            key: lease.key.clone(),
            owner: text("owner"),
            epoch,
        };
        let lease = Lease {
            epoch: epoch + 1,
            ..lease
        };
        let take_over = self
            .row(&lease)
            .set("owner", &lease.owner)
            .set("epoch", lease.epoch)
            .set("leaseUntil", now.plus(self.duration).unix_ms())
            .only_if(before.holds());
        match self.write(take_over.into()).await {
            Ok(()) => Acquired::TakenOver(lease),
            Err(DatabaseError::Cancelled(_)) => {
                let error = "another delivery took over the expired lease";
                Acquired::Not(Verdict::retry(self.duration / 10, RetryReason::Leased, error))
            }
            Err(error) => Acquired::Not(self.soon(error)),
        }
    }

    /// Runs the call and keeps the lease meanwhile.
    pub(crate) async fn renewing<T>(&self, lease: &Lease, call: impl Future<Output = T>) -> T {
        let mut call = std::pin::pin!(call);
        loop {
            let pause = self.environment.clock().sleep(self.duration / 3);
            match select(call.as_mut(), pause).await {
                Either::Left((answer, _)) => return answer,
                Either::Right(_) => {
                    let until = self.environment.clock().now().plus(self.duration).unix_ms();
                    let renewal = self.row(lease).set("leaseUntil", until).only_if(lease.holds());
                    if let Err(error) = self.write(renewal.into()).await {
                        // The call cannot be called back; the commit will tell whether the lease was lost.
                        warn!(ledger.key = lease.key, error = %error, "lease could not be renewed");
                    }
                }
            }
        }
    }

    /// Ends the lease, because it is known that nothing happened: the message is as if it had never been touched.
    pub(crate) async fn release(&self, lease: &Lease) {
        let key = Key::new("pk", &lease.key);
        self.try_to_end(lease, self.ledger.table().delete(key).only_if(lease.holds()).into())
            .await;
    }

    /// Ends the lease, leaving the trace that a call may have happened.
    pub(crate) async fn lapse(&self, lease: &Lease) {
        self.try_to_end(
            lease,
            self.row(lease).set("leaseUntil", 0).only_if(lease.holds()).into(),
        )
        .await;
    }

    /// The write that turns the lease into the record that the message was handled, if it is still held.
    pub(crate) fn handled(&self, lease: &Lease, message_id: &str) -> Update {
        self.row(lease)
            .set("outcome", HANDLED)
            .set("handledAt", self.environment.clock().now().to_string())
            .set("sourceMessageId", message_id)
            .remove("owner")
            .remove("leaseUntil")
            .only_if(lease.holds())
    }

    async fn try_to_end(&self, lease: &Lease, write: Write) {
        if let Err(error) = self.write(write).await {
            warn!(ledger.key = lease.key, error = %error, "lease could not be ended; it will expire");
        }
    }

    fn row(&self, lease: &Lease) -> Update {
        self.ledger.table().update(Key::new("pk", &lease.key))
    }

    async fn write(&self, write: Write) -> Result<(), DatabaseError> {
        let started = self.environment.clock().instant();
        let result = self.database.write(&write).await;
        self.metrics
            .request(self.environment.clock().instant().saturating_duration_since(started));
        result
    }

    fn soon(&self, error: impl std::fmt::Display) -> Verdict {
        Verdict::retry(self.duration / 10, RetryReason::DatabaseUnavailable, error)
    }
}

impl Lease {
    /// What holds for the row while this lease does.
    fn holds(&self) -> Condition {
        Condition::All(vec![
            Condition::equals("outcome", LEASED),
            Condition::equals("owner", &self.owner),
            Condition::equals("epoch", self.epoch),
        ])
    }
}
