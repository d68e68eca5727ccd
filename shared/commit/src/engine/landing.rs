//! Landing what a handler came up with.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use onecommit_event::Event;

use super::running::panic_message;
use super::{Engine, TIME_TO_SETTLE};
use crate::commit::{Append, Commit};
use crate::committer::{Outcome, Unit};
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::effects::{Gate, Leased, View};
use crate::intake::{Work, copy_verdict};
use crate::ledger::{Handled, Ledger};
use crate::transaction;
use crate::value::Item;
use crate::verdict::{ParkReason, RetryReason, Verdict};
use crate::write::Put;

/// With more time left than any worker or function needs for a commit, no timer is set.
const NO_HURRY: Duration = Duration::from_secs(24 * 3600);

/// What came of one try to commit.
pub(super) enum Committed {
    Verdict(Verdict),
    ConditionFailed(String),
}

impl Engine {
    pub(super) async fn land_commit(
        &self,
        work: &Work,
        delivery: &Delivery,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let handled = Handled {
            id: work.event.id(),
            event_type: work.event.event_type(),
            fingerprint: work.fingerprint,
            message_id: &delivery.message_id,
        };
        let record = self
            .ledger
            .record(&self.consumer.name, &handled, self.environment.clock().now());
        self.land(work, delivery, record.into(), commit, deadline).await
    }

    /// The commit of a guarded call. While only its conditions fail, it is planned again; the call is not.
    pub(super) async fn land_leased(
        &self,
        work: &Work,
        delivery: &Delivery,
        leased: Leased,
        deadline: Deadline,
    ) -> Verdict {
        let mut reruns = 0;
        let verdict = loop {
            let planned = AssertUnwindSafe((leased.plan)()).catch_unwind().await;
            let commit = match planned {
                Ok(Ok(commit)) => commit,
                Ok(Err(failure)) => break self.failed(delivery, failure),
                Err(panic) => {
                    break self.come_back(delivery, RetryReason::HandlerPanicked, panic_message(&*panic));
                }
            };
            let claim = self.leases.handled(&leased.lease, &delivery.message_id);
            let committed = self.land(work, delivery, claim.into(), commit, deadline).await;
            match self.again(committed, &mut reruns, delivery) {
                Some(verdict) => break verdict,
                None => self.metrics.rerun(),
            }
        };
        if !matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            // The call happened; whoever comes next asks the probe, and need not wait for it.
            self.leases.lapse(&leased.lease).await;
        }
        verdict
    }

    /// One write, gated by the event's sequence; it needs no ledger row.
    pub(super) async fn land_view(&self, work: &Work, delivery: &Delivery, view: View, deadline: Deadline) -> Verdict {
        let Some(sequence) = work.event.metadata().sequence else {
            let error = "a projection needs metadata.sequence; publish the event from the event store, or handle it \
                         with an atomic handler";
            return Verdict::park(ParkReason::MissingSequence, error);
        };
        let gate = view.gate;
        let write: crate::Write = view.gated(sequence).into();
        if let Err(fault) = transaction::check(std::slice::from_ref(&write)) {
            return Verdict::park(ParkReason::InvalidCommit, fault);
        }
        match self
            .commit_in_time(
                Unit {
                    writes: [write].into(),
                    alone: true,
                },
                deadline,
            )
            .await
        {
            Outcome::Landed => Verdict::Done,
            Outcome::Claimed(found) => match (gate, found.as_ref().and_then(View::seen_by)) {
                (Gate::Newer, _) => Verdict::Duplicate,
                (Gate::Next, Some(seen)) if seen >= sequence => Verdict::Duplicate,
                (Gate::Next, seen) => {
                    let error = format!("sequence {sequence} came, the view has seen {}", seen.unwrap_or(0));
                    self.come_back(delivery, RetryReason::SequenceGap, error)
                }
            },
            Outcome::ConditionFailed(error) | Outcome::Refused(error) => {
                self.come_back(delivery, RetryReason::CommitRefused, error)
            }
            Outcome::Transient(error) => self.come_back(delivery, RetryReason::DatabaseUnavailable, error),
        }
    }

    /// Lands a commit with its claim, the write without which nothing of it may land.
    async fn land(
        &self,
        work: &Work,
        delivery: &Delivery,
        claim: crate::Write,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let (own_writes, appends) = commit.into_parts();
        let mut writes = Vec::with_capacity(own_writes.len() + 1);
        writes.push(claim);
        writes.extend(own_writes);
        match self.puts_of(appends, &work.event) {
            Ok(puts) => writes.extend(puts.into_iter().map(crate::Write::from)),
            Err(why) => return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, why)),
        }
        if let Err(fault) = transaction::check(&writes) {
            return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        self.send(work, delivery, writes, deadline).await
    }

    fn puts_of(&self, appends: Vec<Append>, cause: &Event) -> Result<Vec<Put>, String> {
        match &self.event_log {
            _ if appends.is_empty() => Ok(Vec::new()),
            None => Err("the commit appends events, and the engine has no event log".to_owned()),
            Some(log) => log
                .puts(appends, cause, &self.environment)
                .map_err(|error| error.to_string()),
        }
    }

    async fn send(&self, work: &Work, delivery: &Delivery, writes: Vec<crate::Write>, deadline: Deadline) -> Committed {
        let settings = &self.consumer.settings;
        let writes: Arc<[crate::Write]> = writes.into();
        let mut failures = 0;
        loop {
            // What comes a second time may have landed the first time; it shall not spoil what others share.
            let alone = delivery.receive_count > 1 || failures > 0;
            let verdict = match self
                .commit_in_time(
                    Unit {
                        writes: Arc::clone(&writes),
                        alone,
                    },
                    deadline,
                )
                .await
            {
                Outcome::Landed => self.remember(work, Verdict::Done),
                Outcome::Claimed(found) => self.remember(work, self.judge_claimed(work, delivery, found.as_ref())),
                Outcome::ConditionFailed(error) => return Committed::ConditionFailed(error),
                Outcome::Refused(error) => self.come_back(delivery, RetryReason::CommitRefused, error),
                Outcome::Transient(error) => {
                    failures += 1;
                    let wait = settings.commit_backoff.after(failures, self.environment.random());
                    let in_time = deadline.remaining(self.environment.clock()) > wait + TIME_TO_SETTLE;
                    if failures < settings.commit_attempts_max && in_time {
                        self.environment.clock().sleep(wait).await;
                        continue;
                    }
                    self.come_back(delivery, RetryReason::DatabaseUnavailable, error)
                }
            };
            return Committed::Verdict(verdict);
        }
    }

    /// A commit whose answer does not come in time counts as one that may have landed: the ledger tells when the
    /// message comes back, and the batch still gets its verdicts.
    async fn commit_in_time(&self, unit: Unit, deadline: Deadline) -> Outcome {
        let clock = self.environment.clock();
        let limit = deadline.remaining(clock).saturating_sub(TIME_TO_SETTLE);
        if limit > NO_HURRY {
            return self.committer.commit(unit).await;
        }
        match select(std::pin::pin!(self.committer.commit(unit)), clock.sleep(limit)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Transient("no answer before the invocation ended".to_owned()),
        }
    }

    /// The ledger says: handled before, be it the same event or another one under its id; or in somebody's hands.
    fn judge_claimed(&self, work: &Work, delivery: &Delivery, found: Option<&Item>) -> Verdict {
        let Some(found) = found.filter(|found| Ledger::is_handled(found)) else {
            return self.come_back(
                delivery,
                RetryReason::LeaseLost,
                "another delivery holds the lease on the message",
            );
        };
        let recorded = Ledger::fingerprint_in(found);
        let says_the_same = recorded.is_none_or(|recorded| recorded == work.fingerprint.to_string());
        copy_verdict(work.event.id(), says_the_same)
    }

    fn remember(&self, work: &Work, verdict: Verdict) -> Verdict {
        if matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            self.recent.add(work.event.id(), work.fingerprint);
        }
        verdict
    }
}
