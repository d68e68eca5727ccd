use std::fmt;

use serde::{Deserialize, Serialize};

use super::shape::{Role, Shape};

/// How far a saga has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) direction: Direction,
    /// Somebody wants it cancelled while nobody knows what becomes of the pivot.
    #[serde(default)]
    pub(crate) cancel_requested: bool,
    /// Somebody has ended it by hand.
    #[serde(default)]
    pub(crate) resolved: bool,
    pub(crate) steps: Vec<StepProgress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Direction {
    Forward,
    /// Compensating: it never turns forward again.
    Backward,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepProgress {
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) action: Tries,
    #[serde(default)]
    pub(crate) undo: Tries,
    /// Answers to earlier undos than this do not count: a success of the step came after they were sent.
    #[serde(default)]
    pub(crate) undo_counts_from: u32,
    /// The numbers of the step's commands that were answered.
    #[serde(default)]
    pub(crate) answered: Vec<u32>,
    /// When it is time to do something without an answer, in ms since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due_ms: Option<i64>,
    /// What is known of the way that its newest command and the answer take.
    #[serde(default, skip_serializing_if = "Way::is_unknown")]
    pub(crate) way: Way,
    /// How often its attempts began anew because this side could not work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) excused: u32,
}

/// Whether commands and answers travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Way {
    /// Nothing is known of it.
    #[default]
    Unknown,
    /// An echo was sent, first at that time, and is not back.
    Asked { since_ms: i64 },
    /// An echo that was sent after the newest command's deadline is back.
    Open,
}

impl Way {
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tries {
    /// The number of the newest command; its id follows from it.
    pub(crate) number: u32,
    /// Attempts since the policy began to count.
    pub(crate) tries: u32,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// Its turn has not come.
    #[default]
    Pending,
    /// Its command is out.
    Asked,
    /// It was refused after the pivot, and is asked again when it is due.
    Pausing,
    /// It succeeded.
    Done,
    /// An operator said to go on without it.
    Skipped,
    /// It did not happen.
    Refused,
    /// Nobody knows whether it happened; it is undone like one that did.
    Unknown,
    /// The command that undoes it is out.
    Undoing,
    /// Undoing it was refused, and is asked again when it is due.
    UndoPausing,
    /// Undoing it keeps failing.
    UndoStuck,
    /// It is undone.
    Undone,
    /// An operator said to leave it as it is.
    UndoSkipped,
}

/// Where a saga is, as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// On its way forward.
    Running,
    /// On its way back.
    Compensating,
    /// A compensation keeps failing, or a step after the pivot does: a person has to look. A step after the pivot is
    /// tried again all the same.
    NeedsAttention,
    /// All steps are done.
    Completed,
    /// All that was done is undone.
    Compensated,
    /// A person ended it.
    Resolved,
}

impl Status {
    /// Those of sagas that have not ended.
    pub const OPEN: [Self; 3] = [Self::Running, Self::Compensating, Self::NeedsAttention];

    /// Whether nothing more is to come.
    #[must_use]
    pub fn is_end(self) -> bool {
        !Self::OPEN.contains(&self)
    }

    /// The name, as in the row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Compensating => "Compensating",
            Self::NeedsAttention => "NeedsAttention",
            Self::Completed => "Completed",
            Self::Compensated => "Compensated",
            Self::Resolved => "Resolved",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl State {
    /// Whether the step keeps nothing waiting on the way forward.
    pub(crate) fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }

    /// Whether nothing of the step is left to undo.
    pub(crate) fn is_undone(self) -> bool {
        matches!(self, Self::Pending | Self::Refused | Self::Undone | Self::UndoSkipped)
    }
}

impl Progress {
    pub(crate) fn of(shape: &Shape) -> Self {
        Self {
            direction: Direction::Forward,
            cancel_requested: false,
            resolved: false,
            steps: vec![StepProgress::default(); shape.steps.len()],
        }
    }

    pub(crate) fn status(&self, shape: &Shape) -> Status {
        let all = |holds: fn(State) -> bool| self.steps.iter().all(|step| holds(step.state));
        match self.direction {
            _ if self.resolved => Status::Resolved,
            Direction::Forward if all(State::is_finished) => Status::Completed,
            Direction::Backward if all(State::is_undone) => Status::Compensated,
            _ if (0..self.steps.len()).any(|step| self.is_stuck(shape, step)) => Status::NeedsAttention,
            Direction::Forward => Status::Running,
            Direction::Backward => Status::Compensating,
        }
    }

    /// Whether a person has to look at a step: it cannot be undone, or it keeps failing after the pivot.
    pub(crate) fn is_stuck(&self, shape: &Shape, place: usize) -> bool {
        let (step, of_shape) = (&self.steps[place], &shape.steps[place]);
        let attempts = of_shape.action.attempts;
        match step.state {
            State::UndoStuck => true,
            State::Asked => of_shape.role == Role::Retriable && step.action.tries > attempts,
            State::Pausing => step.action.tries >= attempts,
            _ => false,
        }
    }

    /// When the next step is due, in ms since 1970.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        self.steps.iter().filter_map(|step| step.due_ms).min()
    }
}
