//! What operators and other services ask of a saga.

use onecommit_engine::{Commit, Failure};
use onecommit_event::{Event, Payload};

use super::Inner;
use super::store::Found;
use crate::cancellation::EarlyCancellation;
use crate::definition::Definition;
use crate::error::failure;
use crate::machine::Input;
use crate::requests::{SagaCancelRequested, SagaResolved, SagaRetryRequested, SagaSkipRequested};
use crate::transition::next;

/// Something that is asked of a saga.
pub(super) trait Request: Payload {
    /// What it means under a definition; the name of a step that it does not have.
    fn input<'a>(&'a self, definition: &Definition) -> Result<Input, &'a str>;
    fn reason(&self) -> &str;
    /// Whether it also holds for a saga that has not started.
    fn waits_for_start(&self) -> bool {
        false
    }
}

impl Request for SagaCancelRequested {
    fn waits_for_start(&self) -> bool {
        true
    }

    fn input(&self, _: &Definition) -> Result<Input, &str> {
        Ok(Input::Cancel)
    }

    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Request for SagaRetryRequested {
    fn input(&self, definition: &Definition) -> Result<Input, &str> {
        place_of(self.step.as_deref(), definition).map(|step| Input::Retry { step })
    }

    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Request for SagaSkipRequested {
    fn input(&self, definition: &Definition) -> Result<Input, &str> {
        place_of(self.step.as_deref(), definition).map(|step| Input::Skip { step })
    }

    fn reason(&self) -> &str {
        &self.reason
    }
}

impl Request for SagaResolved {
    fn input(&self, _: &Definition) -> Result<Input, &str> {
        Ok(Input::Resolve)
    }

    fn reason(&self) -> &str {
        &self.reason
    }
}

fn place_of<'a>(name: Option<&'a str>, definition: &Definition) -> Result<Option<usize>, &'a str> {
    name.map(|name| definition.step_named(name).ok_or(name)).transpose()
}

impl Inner {
    /// Always from the row in the table: what a person asks is judged by what is, not by what this process remembers.
    pub(super) async fn on_request<R: Request>(&self, event: Event<R>) -> Result<Commit, Failure> {
        let saga = event.aggregate();
        if !self.registry.knows(saga.kind()) {
            return Ok(Commit::nothing());
        }
        let cause = self.store.cause(&event, Some(event.payload().reason().to_owned()));
        let row = match self.store.found(saga).await.map_err(failure)? {
            Found::Saga(row) => row,
            Found::Cancelled(_) if event.payload().waits_for_start() => return Ok(Commit::nothing()),
            Found::Nothing if event.payload().waits_for_start() => {
                let early = EarlyCancellation::of(&cause);
                let commit = self.store.with_cancellation(Commit::nothing(), saga, &early);
                return commit.map_err(failure);
            }
            Found::Nothing | Found::Cancelled(_) => {
                return Err(Failure::reject(format!("there is no saga {saga}")));
            }
        };
        let definition = self.registry.of_row(&row).map_err(failure)?;
        let input = event.payload().input(definition).map_err(|_| {
            let steps: Vec<&str> = definition.steps().collect();
            Failure::reject(format!("{saga} has no such step; it has {}", steps.join(", ")))
        })?;
        match next(definition, &row, input, None, &cause).map_err(failure)? {
            Some(transition) => {
                let commit = self.store.with(Commit::nothing(), Some(&row.revision), transition);
                commit.map_err(failure)
            }
            None => Ok(Commit::nothing()),
        }
    }
}
