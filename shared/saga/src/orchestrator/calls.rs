use onecommit_engine::{Commit, Failure, IdempotencyKeys};
use onecommit_event::Event;

use super::Inner;
use crate::carried_over::carried_over;
use crate::command_id::{find, is_awaited};
use crate::definition::Called;
use crate::error::failure;
use crate::machine::{Input, Leg, Reply};
use crate::requests::SagaCallDue;
use crate::transition::next;

impl Inner {
    /// Makes a call, then moves on by its outcome. When the row has changed meanwhile, this runs again on the new row, and
    /// the call is made again, with the same key and the same content.
    ///
    /// Always from the row in the table, and with what that says the call is made with: what this process remembers may be
    /// a transition that never landed.
    ///
    /// ```text
    /// call made ── deadline passes: given up, undone ── commit fails ── runs again: nobody waits for the call any more
    /// ```
    ///
    /// Then it may have been made after what undid it, so the step is undone once more.
    pub(super) async fn on_call_due(
        &self,
        event: Event<SagaCallDue>,
        calls: IdempotencyKeys,
    ) -> Result<Commit, Failure> {
        let saga = event.aggregate();
        if !self.registry.knows(saga.kind()) {
            return Ok(Commit::nothing());
        }
        let Some(row) = self.store.row(saga, |_| false).await.map_err(failure)? else {
            return Ok(Commit::nothing());
        };
        let definition = self.registry.of_row(&row).map_err(failure)?;
        let Some((step, leg, number)) = find(saga, &definition.shape, &row.progress, event.id()) else {
            return Ok(Commit::nothing());
        };
        let (input, data, detail) = if is_awaited(saga, &definition.shape, &row.progress, event.id()) {
            let key = calls.key(&definition.shape.steps[step].name);
            let made_with = row.made_with(event.id());
            let calling = definition.plan.call((step, leg), made_with, key).map_err(failure)?;
            let Some(calling) = calling else {
                return Ok(Commit::nothing());
            };
            let (reply, data, detail) = match calling.await? {
                Called::Succeeded(data) => {
                    let data = carried_over(made_with, data, &row.data).map_err(failure)?;
                    (Reply::Succeeded, Some(data), None)
                }
                Called::Refused(why) => (Reply::Refused, None, Some(why)),
            };
            let input = Input::Answer {
                step,
                leg,
                number,
                reply,
            };
            (input, data, detail)
        } else if leg == Leg::Action {
            (Input::CallCameUpLate { step, number }, None, None)
        } else {
            return Ok(Commit::nothing());
        };
        let cause = self.store.cause(&event, detail);
        match next(definition, &row, input, data, &cause).map_err(failure)? {
            Some(transition) => {
                let commit = self.store.with(Commit::nothing(), Some(&row.revision), transition);
                commit.map_err(failure)
            }
            None => Ok(Commit::nothing()),
        }
    }
}
