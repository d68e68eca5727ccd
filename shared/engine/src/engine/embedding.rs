//! Landing a change of a row that records by itself what it has taken.

use super::Engine;
use super::reruns::Committed;
use crate::admission::Work;
use crate::committer::{Lost, Outcome, Unit};
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::embedded::change::{Change, Fault};
use crate::embedded::form::{Form, Found, Marking};
use crate::embedded::mark::Mark;
use crate::embedded::window::Window;
use crate::transaction;
use crate::value::Item;
use crate::verdict::{ParkReason, RetryReason, Verdict, copy_verdict};
use crate::write::Write;

/// Why a commit in one form was not taken.
enum NotTaken {
    /// Whatever the form.
    Ended(Committed),
    /// By this row, which may look otherwise than was assumed.
    ByRow(Lost),
}

impl Engine {
    /// Tries one form of the record after the other, as the row that was found suggests; no row is read for it.
    pub(super) async fn land_embedded(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        change: Change,
        first_row: &mut Option<String>,
        deadline: Deadline,
    ) -> Committed {
        let target = change.row.target();
        let fault = match first_row.get_or_insert_with(|| target.clone()) {
            row if *row != target => Err(Fault::RowMoves(change.row.table().to_string())),
            _ => change.check(),
        };
        if let Err(fault) = fault {
            return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        let clock = self.environment.clock();
        let marking = Marking {
            mark: Mark::of(&self.consumer.name, work.event.id(), work.fingerprint),
            window: Window::of(&self.ledger, self.consumer.settings.clock_skew_max),
            now: clock.now(),
        };
        // A copy is refused most cheaply by the row.
        let is_full = !delivery.may_be_copy() && self.spilled.contains(&target, clock.instant());
        let mut form = if is_full { Form::Recorded } else { change.first_form() };
        let mut seen: Option<Item> = None;
        loop {
            let writes = self.writes_of(work, delivery, &change, form, &marking, seen.as_ref());
            let lost = match self.land_form(work, delivery, form, writes, deadline).await {
                Ok(()) => return Committed::Verdict(self.remember(work, Verdict::Done)),
                Err(NotTaken::Ended(committed)) => return committed,
                Err(NotTaken::ByRow(lost)) => lost,
            };
            let next = match marking.judge(form, lost.found()) {
                Found::Copy => return Committed::Verdict(self.remember(work, Verdict::Duplicate)),
                Found::Contradiction => return Committed::Verdict(copy_verdict(work.event.id(), false)),
                Found::Open => return Committed::ConditionFailed(lost),
                Found::Spilled(next) => change.form_after(next),
            };
            if next == Form::Recorded {
                self.spilled.add(&target, clock.instant());
            }
            (form, seen) = (next, lost.found_of(&target).cloned());
        }
    }

    fn writes_of(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        change: &Change,
        form: Form,
        marking: &Marking,
        seen: Option<&Item>,
    ) -> Vec<Write> {
        let claim = form.is_in_ledger().then(|| Write::from(self.record_of(work, delivery)));
        claim.into_iter().chain(change.writes(form, marking, seen)).collect()
    }

    async fn land_form(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        form: Form,
        writes: Vec<Write>,
        deadline: Deadline,
    ) -> Result<(), NotTaken> {
        let ended = |verdict| Err(NotTaken::Ended(Committed::Verdict(verdict)));
        if let Err(fault) = transaction::check(&writes) {
            return ended(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        let first = writes[0].clone();
        let unit = Unit {
            // A single update costs half of what it costs in a transaction with others.
            alone: writes.len() == 1 || delivery.receive_count > 1,
            writes,
            attempts_max: self.attempts_max(work),
        };
        match self.commit_in_time(unit, deadline).await {
            Outcome::Landed => Ok(()),
            Outcome::Claimed(found) if form.is_in_ledger() => {
                let verdict = self.judge_claimed(work, delivery, found.as_ref());
                ended(self.remember(work, verdict))
            }
            Outcome::Claimed(found) => Err(NotTaken::ByRow(Lost::of(&first, found))),
            Outcome::ConditionFailed(lost) => Err(NotTaken::ByRow(lost)),
            Outcome::Refused(error) => ended(self.retry(delivery, RetryReason::CommitRefused, error)),
            Outcome::Transient(kind, error) => ended(self.retry(delivery, super::landing::reason_of(kind), error)),
        }
    }
}
