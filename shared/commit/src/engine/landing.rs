//! Landing what a handler came up with.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use onecommit_event::Event;
use onecommit_mutants::{Mutant, is_on};

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
use crate::write::{Put, Write};

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
        let mut record = self.record(work, delivery);
        if is_on(Mutant::LedgerPutUnconditional) || is_on(Mutant::MarkedBeforeHandling) {
            record.condition = None;
        }
        self.land(work, delivery, record.into(), commit, deadline).await
    }

    fn record(&self, work: &Work, delivery: &Delivery) -> Put {
        let handled = Handled {
            id: work.event.id(),
            event_type: work.event.event_type(),
            fingerprint: work.fingerprint,
            message_id: &delivery.message_id,
        };
        self.ledger
            .record(&self.consumer.name, &handled, self.environment.clock().now())
    }

    /// Of [`Mutant::MarkedBeforeHandling`]: the record alone; a verdict if it is there already.
    pub(super) async fn mark(&self, work: &Work, delivery: &Delivery, deadline: Deadline) -> Option<Verdict> {
        let unit = Unit {
            writes: [self.record(work, delivery).into()].into(),
            alone: true,
        };
        match self.commit_in_time(unit, deadline).await {
            Outcome::Claimed(found) => Some(self.judge_claimed(work, delivery, found.as_ref())),
            _ => None,
        }
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
            if is_on(Mutant::ReleasedAfterCall) {
                self.leases.release(&leased.lease).await;
            }
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
        let write: Write = view.gated(sequence).into();
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
                (Gate::Next, _) if is_on(Mutant::GapIsDuplicate) => Verdict::Duplicate,
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
        claim: Write,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let (own_writes, appends) = commit.into_parts();
        let mut writes = Vec::with_capacity(own_writes.len() + 1);
        writes.push(claim);
        writes.extend(own_writes);
        match self.puts_of(appends, &work.event) {
            Ok(puts) => writes.extend(puts.into_iter().map(Write::from)),
            Err(why) => return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, why)),
        }
        if let Err(fault) = transaction::check(&writes) {
            return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        if (is_on(Mutant::LedgerRowAfterwards) || is_on(Mutant::EventsAfterwards)) && writes.len() > 1 {
            return self.land_in_two(work, delivery, writes, deadline).await;
        }
        self.send(work, delivery, writes, deadline).await
    }

    /// Of [`Mutant::LedgerRowAfterwards`] and [`Mutant::EventsAfterwards`]: something of a commit in a request of its own.
    async fn land_in_two(
        &self,
        work: &Work,
        delivery: &Delivery,
        mut writes: Vec<Write>,
        deadline: Deadline,
    ) -> Committed {
        let claim = writes[0].clone();
        let later: Vec<Write> = if is_on(Mutant::EventsAfterwards) {
            let is_event = |write: &mut Write| self.event_log.as_ref().is_some_and(|log| log.table() == write.table());
            writes.extract_if(1.., is_event).collect()
        } else if let Some(condition) = claim.condition() {
            writes[0] = claim.table().check(claim.key().clone(), condition.clone()).into();
            vec![claim]
        } else {
            Vec::new()
        };
        let committed = self.send(work, delivery, writes, deadline).await;
        if matches!(committed, Committed::Verdict(Verdict::Done)) && !later.is_empty() {
            let _ = self.send(work, delivery, later, deadline).await;
        }
        committed
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

    async fn send(&self, work: &Work, delivery: &Delivery, writes: Vec<Write>, deadline: Deadline) -> Committed {
        let settings = &self.consumer.settings;
        let mut writes: Arc<[Write]> = writes.into();
        if is_on(Mutant::RememberedTooEarly) {
            self.recent.add(work.event.id(), work.fingerprint);
        }
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
                Outcome::ConditionFailed(_) if is_on(Mutant::ConditionFailedIsDone) => {
                    self.remember(work, Verdict::Done)
                }
                Outcome::ConditionFailed(_) if is_on(Mutant::StaleCommitForced) => {
                    let (claim, own) = (writes[..1].iter().cloned(), writes[1..].iter().cloned());
                    writes = claim.chain(own.filter_map(Write::forced)).collect();
                    continue;
                }
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
                    if is_on(Mutant::UnknownCommitIsDone) {
                        return Committed::Verdict(self.remember(work, Verdict::Done));
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
        let says_the_same = recorded.is_none_or(|recorded| work.event.says_what(recorded));
        copy_verdict(work.event.id(), says_the_same)
    }

    fn remember(&self, work: &Work, verdict: Verdict) -> Verdict {
        if matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            self.recent.add(work.event.id(), work.fingerprint);
        }
        verdict
    }
}
