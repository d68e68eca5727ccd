use onecommit_engine::Commit;
use onecommit_environment::Timestamp;
use onecommit_event::Event;

use super::Inner;
use crate::error::SagaError;
use crate::machine::{Echo, Input, Leg};
use crate::requests::{SagaDeadlineReached, SagaEcho};
use crate::transition::next;

impl Inner {
    /// What was due at a version that is no more was overtaken; the sweeper finds what is due now.
    ///
    /// Always from the row in the table. A transition that never landed may be remembered under the same version with a
    /// later deadline; by that one nothing would be due, and the event comes once.
    pub(super) async fn on_deadline(&self, event: Event<SagaDeadlineReached>) -> Result<Commit, SagaError> {
        let saga = event.aggregate();
        let version = event.payload().version;
        if !self.registry.knows(saga.kind()) {
            return Ok(Commit::nothing());
        }
        let Some(row) = self.store.row(saga, |_| false).await? else {
            return Ok(Commit::nothing());
        };
        if row.version != version {
            return Ok(Commit::nothing());
        }
        let definition = self.registry.of_row(&row)?;
        let cause = self.store.cause(&event, None);
        // The sweeper's clock has reached the deadline. This one may be behind; the event comes once, so it decides.
        let reached = Timestamp::parse(&event.payload().deadline).unwrap_or(cause.now);
        let by_ms = cause.now.unix_ms().max(reached.unix_ms());
        match next(definition, &row, Input::DeadlineReached { by_ms }, None, &cause)? {
            Some(transition) => self.store.with(Commit::nothing(), Some(&row.revision), transition),
            None => Ok(Commit::nothing()),
        }
    }

    /// An echo that is back shows that the way there and back is open.
    pub(super) async fn on_echo(&self, event: Event<SagaEcho>) -> Result<Commit, SagaError> {
        let saga = event.aggregate();
        if !self.registry.knows(saga.kind()) {
            return Ok(Commit::nothing());
        }
        let Some(row) = self.store.row(saga, |_| false).await? else {
            return Ok(Commit::nothing());
        };
        let definition = self.registry.of_row(&row)?;
        let SagaEcho { step, undo, number } = event.payload();
        let Some(step) = definition.step_named(step) else {
            return Ok(Commit::nothing());
        };
        let leg = if *undo { Leg::Undo } else { Leg::Action };
        let echo = Echo {
            step,
            leg,
            number: *number,
        };
        let cause = self.store.cause(&event, None);
        match next(definition, &row, Input::Echoed(echo), None, &cause)? {
            Some(transition) => self.store.with(Commit::nothing(), Some(&row.revision), transition),
            None => Ok(Commit::nothing()),
        }
    }
}
