use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use onecommit_engine::{Backoff, Failure, IdempotencyKey};
use onecommit_event::{Event, EventError, NewEvent, Payload};

use super::Answers;
use crate::machine::{AttemptPolicy, Mode, Reply};

/// How a step is done, or undone: a command that is answered by events, a command that nobody answers, or a call.
///
/// Unless said otherwise, an answer is waited for [`Action::WITHIN`], and there are [`Action::ATTEMPTS`] attempts.
#[must_use = "an action is part of a step"]
pub struct Action<D> {
    pub(crate) label: String,
    pub(crate) policy: AttemptPolicy,
    pub(crate) kind: ActionKind<D>,
    pub(crate) answers: Vec<Answer<D>>,
}

pub(crate) type Making<D> = Box<dyn Fn(&D) -> Result<NewEvent, EventError> + Send + Sync>;
pub(crate) type Calling<D> =
    Box<dyn Fn(D, IdempotencyKey) -> BoxFuture<'static, Result<Called<D>, Failure>> + Send + Sync>;

pub(crate) enum ActionKind<D> {
    Command(Making<D>),
    Call(Calling<D>),
}

/// What an event of one type says to a step.
pub(crate) struct Answer<D> {
    pub(crate) event_type: &'static str,
    pub(crate) schema_version: u32,
    pub(crate) reply: Reply,
    pub(crate) saga_id: fn(&Event) -> Result<String, EventError>,
    pub(crate) apply: fn(&Event, &mut D) -> Result<(), EventError>,
}

impl<D> Action<D> {
    /// How long an answer is waited for: one minute.
    pub const WITHIN: Duration = Duration::from_secs(60);
    /// How often is asked before a step is given up, or a person has to look: three times.
    pub const ATTEMPTS: u32 = 3;
    /// Between a refusal and the next attempt, where there is one: 10 s, doubling up to an hour.
    pub const PAUSE: Backoff = Backoff {
        first: Duration::from_secs(10),
        longest: Duration::from_secs(3600),
    };

    fn new(label: String, mode: Mode, kind: ActionKind<D>) -> Self {
        let policy = AttemptPolicy {
            mode,
            within: Self::WITHIN,
            attempts: Self::ATTEMPTS,
            gives_up: true,
            pause: Self::PAUSE,
        };
        Self {
            label,
            policy,
            kind,
            answers: Vec::new(),
        }
    }

    /// An event of this type says that it happened.
    pub fn answered_by<P: Answers<D>>(self) -> Self {
        self.answer::<P>(Reply::Succeeded)
    }

    /// An event of this type says that it did not happen, and will not.
    ///
    /// Before and at the pivot the saga then turns back. After it, and for what undoes a step, the command is sent again
    /// after a pause.
    pub fn refused_by<P: Answers<D>>(self) -> Self {
        self.answer::<P>(Reply::Refused)
    }

    /// How long an answer is waited for.
    pub fn within(mut self, duration: Duration) -> Self {
        self.policy.within = duration;
        self
    }

    /// How often is asked, the first time included. When none of them is answered in time, a step before or at the pivot
    /// is given up; one after it, and what undoes a step, needs a person's attention.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.policy.attempts = attempts;
        self
    }

    /// A step before or at the pivot is never given up because nobody answers: an outage of whoever answers, however long,
    /// takes nothing back. It is asked for again after each wait, once its attempts are used up ever more slowly
    /// ([`Action::pausing`]), until there is an answer or the saga is cancelled.
    ///
    /// It changes nothing for a step after the pivot, which is asked for without end anyway, nor for what undoes a step.
    pub fn until_answered(mut self) -> Self {
        self.policy.gives_up = false;
        self
    }

    /// The pause after a refusal, where there is another attempt. It doubles, without jitter.
    pub fn pausing(mut self, pause: Backoff) -> Self {
        self.policy.pause = pause;
        self
    }

    fn answer<P: Answers<D>>(mut self, reply: Reply) -> Self {
        self.answers.push(Answer {
            event_type: P::EVENT_TYPE,
            schema_version: P::SCHEMA_VERSION,
            reply,
            saga_id: |event| event.decode::<P>().map(|event| P::saga_id(&event)),
            apply: |event, data| event.decode::<P>().map(|event| P::apply(&event, data)),
        });
        self
    }
}

impl<D> fmt::Debug for Action<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Action")
            .field("label", &self.label)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A command: an event of the saga's own stream that asks another service for something.
///
/// The service may get a command twice under two ids, when the answer to the first did not come in time. It has to key
/// what it does by the command's aggregate, which is the saga. A command that undoes a step may come although the step did
/// not happen, or before it happens: then there is nothing to undo, and the answer is the same.
#[must_use = "say how it is answered"]
pub struct Command<D> {
    name: &'static str,
    make: Making<D>,
}

impl<D> Command<D> {
    /// The command with this payload.
    pub fn of<P: Payload>(make: impl Fn(&D) -> P + Send + Sync + 'static) -> Self {
        Self {
            name: P::EVENT_TYPE,
            make: Box::new(move |data| NewEvent::of(&make(data))),
        }
    }

    /// An event of this type says that it was done.
    pub fn answered_by<P: Answers<D>>(self) -> Action<D> {
        Action::new(self.name.to_owned(), Mode::Command, ActionKind::Command(self.make)).answered_by::<P>()
    }

    /// Nobody answers: it counts as done when it has left.
    pub fn unanswered(self) -> Action<D> {
        Action::new(self.name.to_owned(), Mode::Unanswered, ActionKind::Command(self.make))
    }
}

impl<D> fmt::Debug for Command<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Command").field(&self.name).finish()
    }
}

/// A call to an outside system that honours an idempotency key, made by the orchestrator.
#[derive(Clone, Copy, Debug)]
pub struct Call;

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Called<D> {
    /// It did what it should: the data as it is now.
    Succeeded(D),
    /// It did not, and will not under this key: why.
    Refused(String),
}

impl Call {
    /// A call of this name, for people to read.
    ///
    /// It gets the saga's data and the key to send along. The key is the same until the call is known to have been
    /// refused; so however often the call is made, the other side acts once. An error says that nobody knows how it ended:
    /// the message comes back and the call is made again, with the same key.
    pub fn to<D, F, Fut>(name: impl Into<String>, call: F) -> Action<D>
    where
        F: Fn(D, IdempotencyKey) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Called<D>, Failure>> + Send + 'static,
    {
        let calling: Calling<D> = Box::new(move |data, key| Box::pin(call(data, key)));
        Action::new(name.into(), Mode::Call, ActionKind::Call(calling))
    }
}
