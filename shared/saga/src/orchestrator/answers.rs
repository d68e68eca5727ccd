//! Events that start sagas, answer their commands, or cancel them.

use onecommit_engine::Commit;
use onecommit_event::{Aggregate, Event, EventId};

use super::Inner;
use super::store::Found;
use crate::cancellation::EarlyCancellation;
use crate::command_id::{find, is_awaited};
use crate::definition::Definition;
use crate::error::SagaError;
use crate::machine::Input;
use crate::transition::{first, next};

impl Inner {
    /// One event may concern sagas of several definitions; all of it is one commit.
    pub(super) async fn on_event(&self, event: Event) -> Result<Commit, SagaError> {
        let mut commit = Commit::nothing();
        let mut starts = self.registry.started_by(event.event_type()).peekable();
        let is_first_try = starts.peek().is_some() && self.store.is_first_try(event.id());
        for definition in starts {
            commit = self.start(commit, definition, &event, is_first_try).await?;
        }
        for definition in self.registry.answered_by(event.event_type()) {
            commit = self.answer(commit, definition, &event).await?;
        }
        for definition in self.registry.cancelled_by(event.event_type()) {
            commit = self.cancel(commit, definition, &event).await?;
        }
        Ok(commit)
    }

    /// Starts a saga, and turns it back at once when it was cancelled before.
    ///
    /// That there is no such saga yet is left to the commit's condition; only when that has failed is a read worth its
    /// while.
    async fn start(
        &self,
        commit: Commit,
        definition: &Definition,
        event: &Event,
        is_first_try: bool,
    ) -> Result<Commit, SagaError> {
        let Some(start) = definition.plan.start(event)? else {
            return Ok(commit);
        };
        let saga = Aggregate::new(definition.name(), start.saga_id)?;
        let early = match is_first_try {
            true => Found::Nothing,
            false => self.store.found(&saga).await?,
        };
        let cause = self.store.cause(event, Some(event.event_type().to_owned()));
        let correlation_id = event.metadata().correlation_id.clone();
        let started = || first(definition, saga, start.data, correlation_id, &cause);
        match early {
            Found::Saga(_) => Ok(commit),
            Found::Nothing => self.store.with(commit, None, started()?),
            Found::Cancelled(early) => {
                let cancelled_by = early.cause(cause.now, self.store.revision());
                let transition = started()?.followed_by(definition, Input::Cancel, &cancelled_by)?;
                self.store.with(commit, Some(&early.revision), transition)
            }
        }
    }

    async fn answer(&self, commit: Commit, newest: &Definition, event: &Event) -> Result<Commit, SagaError> {
        // Only what a command caused answers it; events of other origin are none of a saga's business.
        let Ok(command) = event.metadata().causation_id.parse::<EventId>() else {
            return Ok(commit);
        };
        let Some(id) = newest.plan.saga_id(event)? else {
            return Ok(commit);
        };
        let saga = Aggregate::new(newest.name(), id)?;
        let is_expected = |row: &crate::row::SagaRow| {
            let definition = self.registry.of_row(row);
            definition.is_ok_and(|definition| is_awaited(&row.saga, &definition.shape, &row.progress, command))
        };
        let Some(row) = self.store.row(&saga, is_expected).await? else {
            return Ok(commit);
        };
        let definition = self.registry.of_row(&row)?;
        let Some((step, leg, number)) = find(&saga, &definition.shape, &row.progress, command) else {
            return Ok(commit);
        };
        let Some((reply, data)) = definition.plan.answer((step, leg), event, &row.data)? else {
            return Ok(commit);
        };
        let input = Input::Answer {
            step,
            leg,
            number,
            reply,
        };
        let cause = self.store.cause(event, Some(event.event_type().to_owned()));
        match next(definition, &row, input, Some(data), &cause)? {
            Some(transition) => self.store.with(commit, Some(&row.revision), transition),
            None => Ok(commit),
        }
    }

    /// Judged by the row in the table, like everything that somebody asks of a saga. One that overtakes the start waits for
    /// it there.
    async fn cancel(&self, commit: Commit, newest: &Definition, event: &Event) -> Result<Commit, SagaError> {
        let Some((id, reason)) = newest.plan.cancellation(event)? else {
            return Ok(commit);
        };
        let saga = Aggregate::new(newest.name(), id)?;
        let cause = self.store.cause(event, Some(reason));
        let row = match self.store.found(&saga).await? {
            Found::Saga(row) => row,
            Found::Cancelled(_) => return Ok(commit),
            Found::Nothing => {
                let early = EarlyCancellation::of(&cause);
                return self.store.with_cancellation(commit, &saga, &early);
            }
        };
        let definition = self.registry.of_row(&row)?;
        match next(definition, &row, Input::Cancel, None, &cause)? {
            Some(transition) => self.store.with(commit, Some(&row.revision), transition),
            None => Ok(commit),
        }
    }
}
