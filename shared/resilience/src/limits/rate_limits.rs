use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onecommit_engine::{Cancellation, DatabaseError, Key, Table, TableWriter, Update};
use onecommit_environment::Environment;
use tracing::warn;

use super::lease::Lease;
use super::limit::{Admission, RateLimit};
use super::usage::{Plan, Usage};

/// A call waits for a lease no longer than this; then it is judged as if this process were alone.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(1);
/// How often a lease is asked for when others change the row at the same time.
const RACES_MAX: u32 = 5;
/// Subjects remembered at once; idle ones are forgotten first.
const SUBJECTS_MAX: usize = 10_000;

/// Rate limits over all processes together, at a request for a tenth of the limit instead of one for each call.
///
/// A process leases up to a tenth of a limit's tokens with one conditional `UpdateItem`, for a tenth of the period, 1 s at
/// most, and spends them without a request. A process that ends loses the tokens that it holds, nothing more. The window
/// slides in twentieths of the period.
///
/// When the table does not answer, the limit does not stop the calls: each process then keeps the limit for itself.
///
/// ```
/// # use onecommit_engine::Table;
/// # use onecommit_environment::Environment;
/// # use onecommit_resilience::{Admission, RateLimit, RateLimits};
/// # use onecommit_testing::MemoryDatabase;
/// # use std::sync::Arc;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let database = Arc::new(MemoryDatabase::default());
/// let limits = RateLimits::new(database, Table::new("circuits"), "pk", Environment::system());
/// let limit = RateLimit::per_minute(1_000)?;
/// assert_eq!(limits.admit("key-7", limit).await, Admission::Admitted);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RateLimits {
    shared: Arc<Shared>,
}

struct Shared {
    database: Arc<dyn TableWriter>,
    table: Table,
    partition_key: String,
    environment: Environment,
    subjects: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Lease>>>>,
}

impl RateLimits {
    /// Limits whose rows are in `table`, whose only key is `partition_key`; each row's key is `Rate#SUBJECT`.
    pub fn new(
        database: impl TableWriter + 'static,
        table: Table,
        partition_key: impl Into<String>,
        environment: Environment,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                database: Arc::new(database),
                table,
                partition_key: partition_key.into(),
                environment,
                subjects: Mutex::default(),
            }),
        }
    }

    /// Takes one call of `subject` from its limit. Without a leased token it awaits one request, or a few when other
    /// processes change the row at the same time, and 1 s at most.
    ///
    /// `subject` becomes a part of a key: give an id, never a secret.
    pub async fn admit(&self, subject: &str, limit: RateLimit) -> Admission {
        let clock = self.shared.environment.clock();
        if limit.calls() == 0 {
            return Admission::Limited(limit.per());
        }
        let lease = self.lease_of(subject);
        // Whoever comes while a lease is asked for waits for it, and spends of it.
        let mut lease = lease.lock().await;
        if let Some(known) = lease.spend(clock.instant()) {
            return known;
        }
        let renewal = self.renew(subject, &limit, &mut lease);
        if self.shared.environment.within(LEASE_WAIT_MAX, renewal).await.is_none() {
            self.alone(subject, &limit, &mut lease, "no answer in time");
        }
        lease.spend(clock.instant()).unwrap_or(Admission::Limited(limit.step()))
    }

    async fn renew(&self, subject: &str, limit: &RateLimit, lease: &mut Lease) {
        let Shared {
            environment,
            table,
            partition_key,
            ..
        } = &*self.shared;
        for _ in 0..RACES_MAX {
            let now = environment.clock().instant();
            let key = Key::new(partition_key, format!("Rate#{subject}"));
            let wanted = lease.wanted(limit, now);
            let plan = lease.seen.plan((table, key), limit, environment.clock().now(), wanted);
            let Plan::Lease(update, tokens, after) = plan else {
                lease.deny(now, self.until_next_step(limit));
                return;
            };
            match self.write(update).await {
                Ok(()) => {
                    lease.seen = after;
                    // It counts from before it was asked for: a slow answer does not make it longer.
                    return match now.checked_add(limit.lease_time()) {
                        Some(until) => lease.grant(tokens, until),
                        None => lease.deny(now, limit.step()),
                    };
                }
                Err(DatabaseError::Cancelled(reasons)) => {
                    if let Some(Cancellation::ConditionFailed(row)) = reasons.into_iter().next() {
                        lease.seen = Usage::of_row(row.as_ref());
                    }
                }
                Err(error) => return self.alone(subject, limit, lease, error),
            }
        }
        // So many others lease at once that none is left for long.
        lease.deny(environment.clock().instant(), limit.step());
    }

    async fn write(&self, update: Update) -> Result<(), DatabaseError> {
        self.shared.database.write(&update.into()).await
    }

    /// A tenth of the limit for a tenth of the period: the limit, as if there were no other process.
    fn alone(&self, subject: &str, limit: &RateLimit, lease: &mut Lease, error: impl std::fmt::Display) {
        warn!(rate.subject = subject, error = %error, "tokens could not be leased; this process keeps the limit for itself");
        let now = self.shared.environment.clock().instant();
        let tokens = limit.lease_max();
        let share = limit.per().mul_f64(tokens as f64 / limit.calls() as f64);
        match now.checked_add(share) {
            Some(until) => {
                lease.grant(tokens, until);
                lease.deny(now, share);
            }
            None => lease.deny(now, limit.step()),
        }
    }

    fn until_next_step(&self, limit: &RateLimit) -> Duration {
        let step_ms = u64::try_from(limit.step().as_millis()).unwrap_or(u64::MAX).max(1);
        let now_ms = u64::try_from(self.shared.environment.clock().now().unix_ms()).unwrap_or(0);
        Duration::from_millis(step_ms - now_ms % step_ms)
    }

    fn lease_of(&self, subject: &str) -> Arc<tokio::sync::Mutex<Lease>> {
        let mut subjects = self.shared.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = subjects.get(subject) {
            return Arc::clone(lease);
        }
        if subjects.len() >= SUBJECTS_MAX {
            let now = self.shared.environment.clock().instant();
            let is_used =
                |lease: &Arc<tokio::sync::Mutex<Lease>>| lease.try_lock().is_ok_and(|lease| lease.is_over(now));
            subjects.retain(|_, lease| Arc::strong_count(lease) > 1 || !is_used(lease));
        }
        let lease = Arc::default();
        if subjects.len() < SUBJECTS_MAX {
            subjects.insert(subject.to_owned(), Arc::clone(&lease));
        }
        lease
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RateLimits")
            .field("table", &self.shared.table)
            .finish_non_exhaustive()
    }
}
