//! From one row to the next: the machine's turn, put into the definition's words. Still a pure function.

use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, EventId, NewEvent};

use crate::command_id::command_id;
use crate::definition::Definition;
use crate::error::SagaError;
use crate::journal::{Journal, JournalEntry, What};
use crate::machine::{Input, Note, Side, Turn, begin, turn};
use crate::requests::SagaCallDue;
use crate::row::SagaRow;

/// A saga's row after a transition, and the commands that leave with it.
#[derive(Debug)]
pub(crate) struct Transition {
    pub(crate) row: SagaRow,
    pub(crate) commands: Vec<NewEvent>,
}

/// What causes a transition.
pub(crate) struct Cause {
    pub(crate) event_id: EventId,
    /// The user on whose behalf.
    pub(crate) by: Option<String>,
    /// What else the journal shall say: the type of the answer, a reason.
    pub(crate) detail: Option<String>,
    pub(crate) now: Timestamp,
    /// The mark of the row that comes out.
    pub(crate) revision: String,
}

/// A new saga's first row.
pub(crate) fn first(
    definition: &Definition,
    saga: Aggregate,
    data: String,
    correlation_id: String,
    cause: &Cause,
) -> Result<Transition, SagaError> {
    let turn = begin(&definition.shape, cause.now);
    let row = SagaRow {
        saga,
        definition_version: definition.version(),
        status: turn.progress.status(&definition.shape),
        deadline: None,
        version: 0,
        revision: String::new(),
        stream_version: 0,
        data,
        progress: turn.progress.clone(),
        journal: Journal::default(),
        correlation_id,
        started_at: cause.now,
        updated_at: cause.now,
    };
    after(definition, row, turn, cause)
}

/// The next row; `None` when nothing follows from the input.
pub(crate) fn next(
    definition: &Definition,
    row: &SagaRow,
    input: Input,
    data: Option<String>,
    cause: &Cause,
) -> Result<Option<Transition>, SagaError> {
    let Some(turn) = turn(&definition.shape, &row.progress, input, cause.now) else {
        return Ok(None);
    };
    let mut row = row.clone();
    if let Some(data) = data {
        row.data = data;
    }
    after(definition, row, turn, cause).map(Some)
}

fn after(definition: &Definition, mut row: SagaRow, turn: Turn, cause: &Cause) -> Result<Transition, SagaError> {
    let commands = turn
        .sends
        .iter()
        .map(|send| {
            let step = &definition.shape.steps[send.step].name;
            let command = match definition.plan.command((send.step, send.side), &row.data)? {
                Some(command) => command,
                None => NewEvent::of(&SagaCallDue {
                    step: step.clone(),
                    undo: send.side == Side::Undo,
                    number: send.number,
                })?,
            };
            Ok(command.with_id(command_id(&row.saga, step, send.side, send.number)))
        })
        .collect::<Result<Vec<NewEvent>, SagaError>>()?;
    for (place, note) in turn.notes.iter().enumerate() {
        let entry = entry(definition, &row.saga, note, place == 0, cause);
        row.journal.add(entry);
    }
    row.status = turn.progress.status(&definition.shape);
    row.deadline = match turn.progress.due_ms() {
        _ if row.status.is_end() => None,
        Some(due_ms) => Some(Timestamp::from_unix_ms(due_ms)),
        // Nothing happens by itself any more; the index still has it.
        None => Some(Timestamp::from_unix_ms(i64::MAX)),
    };
    row.progress = turn.progress;
    row.version += 1;
    row.revision = cause.revision.clone();
    row.stream_version += commands.len() as u64;
    row.updated_at = cause.now;
    Ok(Transition { row, commands })
}

/// The first note tells of what came, the others of what follows from it.
fn entry(definition: &Definition, saga: &Aggregate, note: &Note, is_first: bool, cause: &Cause) -> JournalEntry {
    let step = note.step.map(|place| definition.shape.steps[place].name.clone());
    let sent = matches!(note.what, What::Asked | What::UndoAsked);
    let event_id = match (&step, note.command) {
        (Some(step), Some((side, number))) if sent => Some(command_id(saga, step, side, number)),
        _ if is_first => Some(cause.event_id),
        _ => None,
    };
    let detail = match (note.step, note.command) {
        (Some(place), Some((side, _))) if sent => Some(promise(definition, place, side)),
        _ => match (note.detail, cause.detail.as_deref().filter(|_| is_first)) {
            (Some(why), Some(detail)) => Some(format!("{why}: {detail}")),
            (why, detail) => why.or(detail).map(str::to_owned),
        },
    };
    JournalEntry {
        at: cause.now.to_string(),
        what: note.what,
        step,
        attempt: note.command.map(|(_, number)| number),
        event_id: event_id.map(|id| id.to_string()),
        by: cause.by.clone().filter(|_| is_first),
        detail,
    }
}

/// What leaves, and what will take it back: written down before it leaves.
fn promise(definition: &Definition, place: usize, side: Side) -> String {
    let label = definition.plan.label((place, side));
    match (side, &definition.shape.steps[place].undo) {
        (Side::Action, Some(_)) => {
            let undo = definition.plan.label((place, Side::Undo));
            format!("{label}, undone by {undo}")
        }
        _ => label.to_owned(),
    }
}
