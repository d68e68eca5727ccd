//! What a saga is: its steps, in the words of the business.

mod action;
mod builder;
mod diagram;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use onecommit_event::{Aggregate, Event};

pub use action::{Action, Call, Called, Command};
pub use builder::{AfterPivot, BeforePivot, Compensatable, Pivot, Saga, Step, Steps, step};
pub(crate) use plan::Plan;

use crate::machine::{Mode, Role, Shape};

/// An event that starts sagas whose data is `D`.
pub trait Starts<D>: onecommit_event::Payload {
    /// The saga it starts; `None` when this one starts none.
    fn start(event: &Event<Self>) -> Option<Start<D>>
    where
        Self: Sized;
}

/// A saga about to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Start<D> {
    /// Its id, once and for all: a second saga of the definition under this id never starts. Often the id of what it is
    /// about, such as the order's.
    pub saga_id: String,
    /// What it knows from the start.
    pub data: D,
}

/// An event that answers commands of sagas whose data is `D`.
///
/// It answers a command when its `causationId` is the command's `eventId`, which is so for every event that a handler of
/// the command causes.
pub trait Answers<D>: onecommit_event::Payload {
    /// The id that the saga was started with.
    fn saga_id(event: &Event<Self>) -> String
    where
        Self: Sized;

    /// What the saga learns from it.
    fn apply(event: &Event<Self>, data: &mut D)
    where
        Self: Sized,
    {
        let _ = (event, data);
    }
}

/// An event that wants sagas whose data is `D` cancelled, such as a customer's change of mind. It means the same as
/// [`SagaCancelRequested`](crate::SagaCancelRequested), in the words of whoever wants it.
pub trait Cancels<D>: onecommit_event::Payload {
    /// The id that the saga was started with.
    fn saga_id(event: &Event<Self>) -> String
    where
        Self: Sized;

    /// Why, for the journal.
    fn reason(event: &Event<Self>) -> String
    where
        Self: Sized;
}

/// One version of a saga: a value, made by [`Saga::named`].
#[derive(Clone)]
pub struct Definition {
    name: String,
    version: u32,
    /// The event types that answer its commands.
    answers: Arc<EventTypes>,
    pub(crate) shape: Arc<Shape>,
    pub(crate) plan: Arc<dyn Plan>,
}

/// Why steps are no definition, or definitions do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// The name cannot be an aggregate type.
    #[error("{name:?} is not a valid name of a saga: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing to do.
    #[error("saga {0} has no steps; give it one")]
    NoSteps(String),
    /// Steps are told apart by their names.
    #[error("saga {saga} has two steps called {step:?}, or one without a name; name each")]
    StepName {
        /// The saga.
        saga: String,
        /// The name.
        step: String,
    },
    /// Something that is never tried never succeeds.
    #[error("step {step:?} of saga {saga} has no attempts; allow at least one")]
    NoAttempts {
        /// The saga.
        saga: String,
        /// The step.
        step: String,
    },
    /// The event could mean both.
    #[error("{event_type} starts saga {saga} and answers it; use two event types")]
    StartAnswers {
        /// The saga.
        saga: String,
        /// The event type.
        event_type: &'static str,
    },
    /// The event could mean both.
    #[error("{event_type} cancels saga {saga}, and starts or answers it as well; use two event types")]
    CancelsToo {
        /// The saga.
        saga: String,
        /// The event type.
        event_type: &'static str,
    },
    /// Two meanings of one answer.
    #[error("{event_type} is both the answer and the refusal of step {step:?} of saga {saga}; keep one")]
    AnswerMeansTwoThings {
        /// The saga.
        saga: String,
        /// The step.
        step: String,
        /// The event type.
        event_type: &'static str,
    },
    /// One version registered twice.
    #[error("saga {0} version {1} is registered twice; give the newer one a higher version")]
    SameVersionTwice(String, u32),
    /// The library itself gives this type a meaning.
    #[error("saga {saga} uses {event_type}, which is reserved for all sagas; choose another event type")]
    Reserved {
        /// The saga.
        saga: String,
        /// The event type.
        event_type: &'static str,
    },
}

impl Definition {
    /// Its name, which is also the `aggregateType` of its commands.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The names of its steps, in their order.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.shape.steps.iter().map(|step| step.name.as_str())
    }

    /// The event types it has to be sent: the one that starts it, those that answer it, and the one that cancels it.
    #[must_use]
    pub fn event_types(&self) -> BTreeSet<&'static str> {
        let started_by = [self.plan.started_by().0];
        let cancelled_by = self.plan.cancelled_by().map(|(event_type, _)| event_type);
        self.answers
            .keys()
            .copied()
            .chain(started_by)
            .chain(cancelled_by)
            .collect()
    }

    /// The event types that answer its commands, with the newest schema that it knows of each.
    pub(crate) fn answers(&self) -> &EventTypes {
        &self.answers
    }

    /// Whether one of its steps is a call that the orchestrator makes.
    pub(crate) fn makes_calls(&self) -> bool {
        let policies = self
            .shape
            .steps
            .iter()
            .flat_map(|step| step.undo.iter().chain([&step.action]));
        policies.into_iter().any(|policy| policy.mode == Mode::Call)
    }

    pub(crate) fn step_named(&self, name: &str) -> Option<usize> {
        self.shape.steps.iter().position(|step| step.name == name)
    }

    fn checked(name: String, version: u32, shape: Shape, plan: Arc<dyn Plan>) -> Result<Self, DefinitionError> {
        Aggregate::new(name.as_str(), "id").map_err(|error| DefinitionError::Name {
            name: name.clone(),
            why: error.to_string(),
        })?;
        if shape.steps.is_empty() {
            return Err(DefinitionError::NoSteps(name));
        }
        let mut names = BTreeSet::new();
        for (place, step) in shape.steps.iter().enumerate() {
            let (saga, of_step) = (name.clone(), step.name.clone());
            if step.name.is_empty() || !names.insert(&step.name) {
                return Err(DefinitionError::StepName { saga, step: of_step });
            }
            if step
                .undo
                .iter()
                .chain([&step.action])
                .any(|policy| policy.attempts == 0)
            {
                return Err(DefinitionError::NoAttempts { saga, step: of_step });
            }
            if let Some(event_type) = plan.ambiguous_answer(place) {
                return Err(DefinitionError::AnswerMeansTwoThings {
                    saga,
                    step: of_step,
                    event_type,
                });
            }
        }
        let (started_by, answers) = (plan.started_by().0, plan.answers());
        if answers.contains_key(started_by) {
            return Err(DefinitionError::StartAnswers {
                saga: name,
                event_type: started_by,
            });
        }
        if let Some((event_type, _)) = plan.cancelled_by()
            && (event_type == started_by || answers.contains_key(event_type))
        {
            return Err(DefinitionError::CancelsToo { saga: name, event_type });
        }
        Ok(Self {
            name,
            version,
            answers: Arc::new(answers),
            shape: Arc::new(shape),
            plan,
        })
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Definition")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

/// Event types with the newest schema that is known of each.
pub(crate) type EventTypes = BTreeMap<&'static str, u32>;

/// Whether a step may be taken back.
pub(crate) fn has_undo(role: Role) -> bool {
    role != Role::Retriable
}
