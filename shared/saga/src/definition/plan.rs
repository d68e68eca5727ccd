//! A definition's words, its data's type forgotten: data is JSON text here.

use futures_util::future::BoxFuture;
use onecommit_engine::{Failure, IdempotencyKey};
use onecommit_event::{Event, EventError, NewEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::action::{Action, ActionKind, Answer, Called};
use super::{Cancels, EventTypes, Start, Starts};
use crate::error::{SagaError, read_data};
use crate::machine::{Leg, Reply};

pub(crate) trait Plan: Send + Sync {
    /// The event type that starts the saga, and its schema version.
    fn started_by(&self) -> (&'static str, u32);

    /// The event type that cancels the saga, and its schema version.
    fn cancelled_by(&self) -> Option<(&'static str, u32)>;

    /// The id of the saga that an event cancels, and why; `None` when it cancels none.
    fn cancellation(&self, event: &Event) -> Result<Option<(String, String)>, SagaError>;

    /// The event types that answer its commands.
    fn answers(&self) -> EventTypes;

    /// An event type that means both success and refusal to a step.
    fn ambiguous_answer(&self, step: usize) -> Option<&'static str>;

    /// The id and the data of the saga that an event starts.
    fn start(&self, event: &Event) -> Result<Option<Start<String>>, SagaError>;

    /// The id of the saga that an event answers.
    fn saga_id(&self, event: &Event) -> Result<Option<String>, SagaError>;

    /// What an event means to a step, and the data after it; `None` when it is no answer to this step.
    fn answer(&self, at: At, event: &Event, data: &str) -> Result<Option<(Reply, String)>, SagaError>;

    /// The command to send; `None` for a call.
    fn command(&self, at: At, data: &str) -> Result<Option<NewEvent>, SagaError>;

    /// Makes the call; `None` for a command.
    fn call(&self, at: At, data: &str, key: IdempotencyKey) -> Result<Option<Calling>, SagaError>;

    /// What the step asks for, for people to read.
    fn label(&self, at: At) -> &str;

    /// Event types of one reply, in the order they were named.
    fn event_types_of(&self, at: At, reply: Reply) -> Vec<&'static str>;
}

/// A step and which of its two policies.
pub(crate) type At = (usize, Leg);
/// A call under way.
pub(crate) type Calling = BoxFuture<'static, Result<Called<String>, Failure>>;

pub(crate) struct Typed<D> {
    pub(crate) start: StartPlan<D>,
    pub(crate) cancel: Option<CancelPlan>,
    pub(crate) steps: Vec<StepPlan<D>>,
}

pub(crate) struct StepPlan<D> {
    pub(crate) action: Action<D>,
    pub(crate) undo: Option<Action<D>>,
}

pub(crate) struct StartPlan<D> {
    event_type: &'static str,
    schema_version: u32,
    start: fn(&Event) -> Result<Option<Start<D>>, EventError>,
}

impl<D> StartPlan<D> {
    pub(crate) fn of<P: Starts<D>>() -> Self {
        Self {
            event_type: P::EVENT_TYPE,
            schema_version: P::SCHEMA_VERSION,
            start: |event| event.decode::<P>().map(|event| P::start(&event)),
        }
    }
}

pub(crate) struct CancelPlan {
    event_type: &'static str,
    schema_version: u32,
    cancellation: fn(&Event) -> Result<(String, String), EventError>,
}

impl CancelPlan {
    pub(crate) fn of<D, P: Cancels<D>>() -> Self {
        Self {
            event_type: P::EVENT_TYPE,
            schema_version: P::SCHEMA_VERSION,
            cancellation: |event| event.decode::<P>().map(|event| (P::saga_id(&event), P::reason(&event))),
        }
    }
}

impl<D> Typed<D> {
    fn action(&self, (step, leg): At) -> Option<&Action<D>> {
        let step = self.steps.get(step)?;
        match leg {
            Leg::Action => Some(&step.action),
            Leg::Undo => step.undo.as_ref(),
        }
    }

    fn all_answers(&self) -> impl Iterator<Item = &Answer<D>> {
        let actions = self
            .steps
            .iter()
            .flat_map(|step| step.undo.iter().chain([&step.action]));
        actions.flat_map(|action| &action.answers)
    }
}

impl<D: Serialize + DeserializeOwned + Send + Sync + 'static> Plan for Typed<D> {
    fn started_by(&self) -> (&'static str, u32) {
        (self.start.event_type, self.start.schema_version)
    }

    fn cancelled_by(&self) -> Option<(&'static str, u32)> {
        self.cancel
            .as_ref()
            .map(|cancel| (cancel.event_type, cancel.schema_version))
    }

    fn cancellation(&self, event: &Event) -> Result<Option<(String, String)>, SagaError> {
        let cancel = self.cancel.as_ref();
        let cancel = cancel.filter(|cancel| cancel.event_type == event.event_type());
        Ok(cancel.map(|cancel| (cancel.cancellation)(event)).transpose()?)
    }

    fn answers(&self) -> EventTypes {
        let mut types = EventTypes::new();
        for answer in self.all_answers() {
            let known = types.entry(answer.event_type).or_default();
            *known = answer.schema_version.max(*known);
        }
        types
    }

    fn ambiguous_answer(&self, step: usize) -> Option<&'static str> {
        let legs = [Leg::Action, Leg::Undo];
        let actions = legs.iter().filter_map(|leg| self.action((step, *leg)));
        actions
            .flat_map(|action| action.answers.iter().map(move |answer| (action, answer)))
            .find(|(action, answer)| {
                let same_type = |other: &&Answer<D>| other.event_type == answer.event_type;
                action
                    .answers
                    .iter()
                    .filter(same_type)
                    .any(|other| other.reply != answer.reply)
            })
            .map(|(_, answer)| answer.event_type)
    }

    fn start(&self, event: &Event) -> Result<Option<Start<String>>, SagaError> {
        let Some(start) = (self.start.start)(event)? else {
            return Ok(None);
        };
        Ok(Some(Start {
            saga_id: start.saga_id,
            data: written(&start.data)?,
        }))
    }

    fn saga_id(&self, event: &Event) -> Result<Option<String>, SagaError> {
        let answer = self
            .all_answers()
            .find(|answer| answer.event_type == event.event_type());
        Ok(answer.map(|answer| (answer.saga_id)(event)).transpose()?)
    }

    fn answer(&self, at: At, event: &Event, data: &str) -> Result<Option<(Reply, String)>, SagaError> {
        let answers = self.action(at).into_iter().flat_map(|action| &action.answers);
        let Some(answer) = answers
            .into_iter()
            .find(|answer| answer.event_type == event.event_type())
        else {
            return Ok(None);
        };
        let mut data: D = read(data)?;
        (answer.apply)(event, &mut data)?;
        Ok(Some((answer.reply, written(&data)?)))
    }

    fn command(&self, at: At, data: &str) -> Result<Option<NewEvent>, SagaError> {
        match self.action(at).map(|action| &action.kind) {
            Some(ActionKind::Command(make)) => Ok(Some(make(&read(data)?)?)),
            _ => Ok(None),
        }
    }

    fn call(&self, at: At, data: &str, key: IdempotencyKey) -> Result<Option<Calling>, SagaError> {
        let Some(ActionKind::Call(call)) = self.action(at).map(|action| &action.kind) else {
            return Ok(None);
        };
        let calling = call(read(data)?, key);
        Ok(Some(Box::pin(async move {
            Ok(match calling.await? {
                Called::Succeeded(data) => Called::Succeeded(written(&data)?),
                Called::Refused(why) => Called::Refused(why),
            })
        })))
    }

    fn label(&self, at: At) -> &str {
        self.action(at).map_or("", |action| &action.label)
    }

    fn event_types_of(&self, at: At, reply: Reply) -> Vec<&'static str> {
        let answers = self.action(at).into_iter().flat_map(|action| &action.answers);
        let of_reply = answers.filter(|answer| answer.reply == reply);
        of_reply.map(|answer| answer.event_type).collect()
    }
}

fn read<D: DeserializeOwned>(data: &str) -> Result<D, SagaError> {
    read_data(data)
}

fn written<D: Serialize>(data: &D) -> Result<String, SagaError> {
    serde_json::to_string(data).map_err(|_| SagaError::Unwritable)
}
