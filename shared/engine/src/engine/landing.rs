//! Landing what a handler came up with.

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt;
use onecommit_event::Event;

use super::Engine;
use super::panics::panic_message;
use super::reruns::{Committed, Reruns};
use crate::admission::Work;
use crate::commit::{Append, Commit};
use crate::committer::{Outcome, Unit};
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::effects::{Gate, Leased, SequencedUpdate};
use crate::ledger::{Handled, Ledger};
use crate::redelivery;
use crate::table_writer::TransientKind;
use crate::transaction;
use crate::value::Item;
use crate::verdict::{ParkReason, RetryReason, Verdict, copy_verdict};
use crate::write::{Put, Write};

impl Engine {
    pub(super) async fn land_commit(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let record = self.record_of(work, delivery);
        self.land(work, delivery, record.into(), commit, deadline).await
    }

    /// The verdict on a message that the ledger knows already. A transaction that is refused costs as much as one that lands,
    /// four units and more; this is one, for a message that may well be a copy.
    pub(super) async fn find_record(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Option<Verdict> {
        let look_up = self.ledger.look_up(&self.consumer.name, work.event.id());
        match self.commit_in_time(self.alone(work, look_up.into()), deadline).await {
            Outcome::Claimed(found) if found.as_ref().is_some_and(Ledger::is_handled) => {
                Some(self.remember(work, self.judge_claimed(work, delivery, found.as_ref())))
            }
            // A second request would fail in the same way.
            Outcome::Transient(kind, error) => Some(self.retry(delivery, reason_of(kind), error)),
            // The commit decides.
            Outcome::Claimed(_) | Outcome::Landed | Outcome::ConditionFailed(_) | Outcome::Refused(_) => None,
        }
    }

    /// The ledger's record that the message was handled.
    pub(super) fn record_of(&self, work: &Work<'_>, delivery: &Delivery) -> Put {
        let handled = Handled {
            id: work.event.id(),
            event_type: work.event.event_type(),
            fingerprint: work.fingerprint,
            message_id: &delivery.message_id,
        };
        let now = self.environment.clock().now();
        self.ledger.record(&self.consumer.name, &handled, now)
    }

    /// The commit of a guarded call. While only its conditions fail, it is planned again; the call is not.
    pub(super) async fn land_leased(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        leased: Leased,
        deadline: Deadline,
    ) -> Verdict {
        let mut reruns = Reruns::default();
        let verdict = loop {
            let planning = AssertUnwindSafe((leased.plan)()).catch_unwind();
            let commit = match self.in_handlers_time(planning, delivery, deadline).await {
                Ok(Ok(Ok(commit))) => commit,
                Ok(Ok(Err(failure))) => break self.failed(delivery, failure),
                Ok(Err(panic)) => {
                    break self.retry(delivery, RetryReason::HandlerPanicked, panic_message(&*panic));
                }
                Err(verdict) => break verdict,
            };
            let claim = self.leases.handled(&leased.lease, &delivery.message_id);
            let committed = self.land(work, delivery, claim.into(), commit, deadline).await;
            match self.again(committed, &mut reruns, delivery) {
                Some(verdict) => break verdict,
                None => self.metrics.rerun(),
            }
        };
        if !matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            // The call happened; the next delivery asks the probe, and need not wait for that. If there is no time left to
            // end the lease, it lapses by itself.
            let _ = self.in_time(self.leases.lapse(&leased.lease), deadline).await;
        }
        verdict
    }

    /// One write, gated by the event's sequence; it needs no ledger row.
    pub(super) async fn land_view(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        view: SequencedUpdate,
        deadline: Deadline,
    ) -> Verdict {
        let Some(sequence) = work.event.metadata().sequence else {
            let error = "a projection needs metadata.sequence; publish the event from the event store, or handle it \
                         with an atomic handler";
            return Verdict::park(ParkReason::MissingSequence, error);
        };
        if !(1..=SEQUENCE_MAX).contains(&sequence) {
            let error = format!("metadata.sequence has to be from 1 to {SEQUENCE_MAX}");
            return Verdict::park(ParkReason::InvalidEvent, error);
        }
        let gate = view.gate;
        let write: Write = view.gated(sequence).into();
        if let Err(fault) = transaction::check(std::slice::from_ref(&write)) {
            return Verdict::park(ParkReason::InvalidCommit, fault);
        }
        match self.commit_in_time(self.alone(work, write), deadline).await {
            Outcome::Landed => Verdict::Done,
            Outcome::Claimed(found) => {
                let seen = found.as_ref().and_then(SequencedUpdate::seen_by).unwrap_or(0);
                self.judge_view(delivery, gate, sequence, seen)
            }
            Outcome::ConditionFailed(lost) => self.retry(delivery, RetryReason::CommitRefused, lost),
            Outcome::Refused(error) => self.retry(delivery, RetryReason::CommitRefused, error),
            Outcome::Transient(kind, error) => self.retry(delivery, reason_of(kind), error),
        }
    }

    /// What it means that a view, which has seen the events up to `seen`, does not take the one at `sequence`.
    fn judge_view(&self, delivery: &Delivery, gate: Gate, sequence: u64, seen: u64) -> Verdict {
        // Without the numbers: in an event from outside they may be anything, and the row has its own.
        let error = match seen {
            0 => "an earlier event has to be handled first; the row has seen none",
            _ => "an earlier event has to be handled first; the row's `seq` is the last one it has seen",
        };
        match gate {
            Gate::Newer if SequencedUpdate::is_jump(seen, sequence) => Verdict::park(
                ParkReason::SequenceJump,
                "its sequence is far from the one in the view's row; one of the two is wrong: correct the row, or \
                 rebuild the view",
            ),
            Gate::Newer => Verdict::Duplicate,
            Gate::Next if seen >= sequence => Verdict::Duplicate,
            Gate::Next if self.has_waited_too_long(delivery) => Verdict::park(ParkReason::SequenceGap, error),
            Gate::Next => self.retry(delivery, RetryReason::SequenceGap, error),
        }
    }

    /// The event before may be held up by an outage of its own: not how often this one came counts, but for how long.
    fn has_waited_too_long(&self, delivery: &Delivery) -> bool {
        redelivery::failing_for(delivery, self.environment.clock().now())
            .is_some_and(|waited| waited > self.consumer.settings.gap_patience)
    }

    /// Lands a commit with its claim, the write without which nothing of it may land.
    async fn land(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        claim: Write,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let (own_writes, appends) = commit.into_parts();
        let mut writes = Vec::with_capacity(own_writes.len() + 1);
        writes.push(claim);
        writes.extend(own_writes);
        match self.puts_of(appends, work.event) {
            Ok(puts) => writes.extend(puts.into_iter().map(Write::from)),
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
            None => Err("the commit appends events, but the engine has no event log".to_owned()),
            Some(log) => log
                .puts(appends, cause, &self.environment)
                .map_err(|error| error.to_string()),
        }
    }

    async fn send(&self, work: &Work<'_>, delivery: &Delivery, writes: Vec<Write>, deadline: Deadline) -> Committed {
        let unit = Unit {
            writes,
            // What comes a second time may have landed the first time; it must not spoil what others share.
            alone: delivery.receive_count > 1,
            attempts_max: self.attempts_max(work),
        };
        let verdict = match self.commit_in_time(unit, deadline).await {
            Outcome::Landed => self.remember(work, Verdict::Done),
            Outcome::Claimed(found) => self.remember(work, self.judge_claimed(work, delivery, found.as_ref())),
            Outcome::ConditionFailed(lost) => return Committed::ConditionFailed(lost),
            Outcome::Refused(error) => self.retry(delivery, RetryReason::CommitRefused, error),
            Outcome::Transient(kind, error) => self.retry(delivery, reason_of(kind), error),
        };
        Committed::Verdict(verdict)
    }

    /// A write that lands in a request of its own.
    fn alone(&self, work: &Work<'_>, write: Write) -> Unit {
        Unit {
            writes: vec![write],
            alone: true,
            attempts_max: self.attempts_max(work),
        }
    }

    /// In an outage each message makes one request: whatever is repeated comes on top of what the database cannot take.
    pub(super) fn attempts_max(&self, work: &Work<'_>) -> u32 {
        if self.outages.is_under_way(work.event.event_type()) {
            1
        } else {
            self.consumer.settings.commit_attempts_max.max(1)
        }
    }

    /// A commit whose answer does not come in time counts as one that may have landed: the ledger tells when the message
    /// is redelivered, and the batch still gets its verdicts.
    pub(super) async fn commit_in_time(&self, unit: Unit, deadline: Deadline) -> Outcome {
        let outcome = self.in_time(self.committer.commit(unit), deadline).await;
        outcome.unwrap_or_else(|| Outcome::unknown("no answer in time"))
    }

    /// The ledger says: handled before, be it the same event or another one under its id; or in somebody's hands.
    pub(super) fn judge_claimed(&self, work: &Work<'_>, delivery: &Delivery, found: Option<&Item>) -> Verdict {
        let Some(found) = found.filter(|found| Ledger::is_handled(found)) else {
            return self.retry(
                delivery,
                RetryReason::LeaseLost,
                "another delivery holds the lease on the message",
            );
        };
        let recorded = Ledger::fingerprint_in(found);
        let says_the_same = recorded.is_none_or(|recorded| work.event.says_what(recorded));
        copy_verdict(work.event.id(), says_the_same)
    }

    pub(super) fn remember(&self, work: &Work<'_>, verdict: Verdict) -> Verdict {
        if matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            self.recent.add(work.event.id(), work.fingerprint);
        }
        verdict
    }
}

/// The greatest sequence that every JSON parser reads as the same number.
const SEQUENCE_MAX: u64 = (1 << 53) - 1;

/// Others may have the rows for now; otherwise the database is in trouble.
pub(super) fn reason_of(kind: TransientKind) -> RetryReason {
    match kind {
        TransientKind::Conflict => RetryReason::RaceLost,
        TransientKind::Throttled | TransientKind::Unavailable => RetryReason::DatabaseUnavailable,
    }
}
