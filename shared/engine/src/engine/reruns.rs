//! Running a handler again on fresh reads after a commit whose conditions failed.

use super::Engine;
use crate::committer::Lost;
use crate::delivery::Delivery;
use crate::verdict::{RetryReason, Verdict};

/// What came of one try to commit.
pub(super) enum Committed {
    Verdict(Verdict),
    ConditionFailed(Lost),
}

/// How often a handler ran again, and what the commit before lost to.
#[derive(Default)]
pub(super) struct Reruns {
    count: u32,
    lost: Option<Lost>,
}

impl Engine {
    /// The verdict, or nothing when the handler shall run again.
    ///
    /// A condition that fails once more on a row that nobody has changed meanwhile will go on failing: the handler's own
    /// fault. If the row was another one each time, others were quicker, and at some time they will not be.
    pub(super) fn again(&self, committed: Committed, reruns: &mut Reruns, delivery: &Delivery) -> Option<Verdict> {
        let lost = match committed {
            Committed::Verdict(verdict) => return Some(verdict),
            Committed::ConditionFailed(lost) => lost,
        };
        if reruns.count < self.consumer.settings.reruns_max {
            reruns.count += 1;
            reruns.lost = Some(lost);
            return None;
        }
        let error = format!("{lost}, also after {} reruns on fresh reads", reruns.count);
        let is_race = reruns.lost.as_ref().is_some_and(|before| *before != lost);
        let reason = if is_race {
            RetryReason::RaceLost
        } else {
            RetryReason::ConditionFailed
        };
        Some(self.retry(delivery, reason, error))
    }
}
