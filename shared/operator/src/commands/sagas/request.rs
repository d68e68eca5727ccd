use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, EventError, Metadata, Payload};
use onecommit_saga::{SagaCancelRequested, SagaResolved, SagaRetryRequested, SagaRow, SagaSkipRequested};

/// What can be asked of a saga.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Retry { step: String, reason: String },
    Skip { step: String, reason: String },
    Resolve { reason: String },
    Cancel { reason: String },
}

impl Request {
    /// The step it is about.
    pub(super) fn step(&self) -> Option<&str> {
        match self {
            Self::Retry { step, .. } | Self::Skip { step, .. } => Some(step),
            Self::Resolve { .. } | Self::Cancel { .. } => None,
        }
    }

    /// What follows from it, as a sentence.
    pub(super) fn consequence(&self, saga: &Aggregate) -> String {
        match self {
            Self::Retry { step, .. } => {
                format!("{saga} repeats `{step}` now, with all its attempts.")
            }
            Self::Skip { step, .. } => {
                format!("{saga} continues without `{step}`, as if it were done. This cannot be undone.")
            }
            Self::Resolve { .. } => {
                format!("{saga} ends here, and nothing more is tried or compensated. This cannot be undone.")
            }
            Self::Cancel { .. } => {
                format!("{saga} turns back and compensates its steps, unless its pivot has succeeded by then.")
            }
        }
    }

    /// The event that asks the orchestrator for it.
    pub(super) fn into_event(self, row: &SagaRow, user: &str, environment: &Environment) -> Result<Event, EventError> {
        match self {
            Self::Retry { step, reason } => {
                let step = Some(step);
                event(SagaRetryRequested { step, reason }, row, user, environment)
            }
            Self::Skip { step, reason } => {
                let step = Some(step);
                event(SagaSkipRequested { step, reason }, row, user, environment)
            }
            Self::Resolve { reason } => event(SagaResolved { reason }, row, user, environment),
            Self::Cancel { reason } => event(SagaCancelRequested { reason }, row, user, environment),
        }
    }
}

fn event<P: Payload>(payload: P, row: &SagaRow, user: &str, environment: &Environment) -> Result<Event, EventError> {
    let event = Event::new(row.saga().clone(), payload, environment);
    let metadata = Metadata::caused_by(row.correlation_id(), event.id().to_string());
    let event = event.with_metadata(metadata).on_behalf_of(Some(user.to_owned()))?;
    event.into_raw()
}
