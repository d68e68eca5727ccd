use serde::{Deserialize, Serialize};

use crate::machine::Status;

/// What a saga's journal says of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// What happened.
    pub what: What,
    /// To which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The number of the command it is about, from 1. Commands that undo a step have numbers of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The id of the command that was sent, or of the event that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The user who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What else there is to say: the command, the answer, a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What happened to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum What {
    /// It began.
    Started,
    /// A step's command left.
    Asked,
    /// A step succeeded.
    Succeeded,
    /// A step was refused.
    Refused,
    /// A command was not answered in time.
    TimedOut,
    /// Before nobody's answer decides anything, the way there and back is checked by an echo.
    WayChecked,
    /// The attempts so far do not count, because this side could not work meanwhile: they begin anew.
    NotCounted,
    /// A step is asked for no longer; nobody knows whether it happened.
    GivenUp,
    /// A step that had been given up succeeded: it is undone once more.
    SucceededLate,
    /// Compensation began.
    TurnedBack,
    /// The command that undoes a step left.
    UndoAsked,
    /// A step is undone.
    Undone,
    /// Undoing a step was refused.
    UndoRefused,
    /// The command that undoes a step was not answered in time.
    UndoTimedOut,
    /// Somebody wants the saga cancelled.
    CancelRequested,
    /// The saga goes on although somebody wanted it cancelled.
    NotCancelled,
    /// Somebody wants a step tried again.
    RetryRequested,
    /// Somebody wants to go on without a step.
    SkipRequested,
    /// Somebody put things right by hand.
    ResolveRequested,
    /// Somebody asked for what cannot be done now.
    NothingToDo,
    /// The saga has another status.
    Became(Status),
}

/// The newest entries, and the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Journal {
    pub(crate) entries: Vec<JournalEntry>,
    /// How many were left out after the first.
    #[serde(default)]
    pub(crate) left_out: u64,
}

/// How many entries a row keeps: with 200 of some 250 bytes, the journal stays far below an item's 400 KB.
const ENTRIES_MAX: usize = 200;
/// The longest detail, in bytes.
const DETAIL_BYTES_MAX: usize = 300;

impl Journal {
    pub(crate) fn add(&mut self, mut entry: JournalEntry) {
        if let Some(detail) = &mut entry.detail {
            let end = detail.floor_char_boundary(DETAIL_BYTES_MAX);
            detail.truncate(end);
        }
        self.entries.push(entry);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.remove(1);
            self.left_out += 1;
        }
    }
}
