//! From one row to the next: the advance of the machine, in the definition's words. Still a pure function.

use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, EventId, NewEvent};

use crate::command_id::{command_id, echo_id, is_awaited};
use crate::definition::Definition;
use crate::error::SagaError;
use crate::journal::{Journal, JournalEntry, What};
use crate::machine::{Advance, Echo, Input, Leg, Note, Send, advance, begin};
use crate::requests::{SagaCallDue, SagaEcho};
use crate::row::{CallInputs, SagaRow};

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
    let advance = begin(&definition.shape, cause.now);
    let row = SagaRow {
        saga,
        definition_version: definition.version(),
        status: advance.progress.status(&definition.shape),
        deadline: None,
        version: 0,
        revision: String::new(),
        stream_version: 0,
        data,
        calls: CallInputs::new(),
        progress: advance.progress.clone(),
        journal: Journal::default(),
        correlation_id,
        started_at: cause.now,
        updated_at: cause.now,
    };
    after(definition, row, advance, cause)
}

/// The next row; `None` when nothing follows from the input.
pub(crate) fn next(
    definition: &Definition,
    row: &SagaRow,
    input: Input,
    data: Option<String>,
    cause: &Cause,
) -> Result<Option<Transition>, SagaError> {
    let Some(advance) = advance(&definition.shape, &row.progress, input, cause.now) else {
        return Ok(None);
    };
    let mut row = row.clone();
    if let Some(data) = data {
        row.data = data;
    }
    after(definition, row, advance, cause).map(Some)
}

impl Transition {
    /// The transition together with one that follows at once.
    pub(crate) fn followed_by(self, definition: &Definition, input: Input, cause: &Cause) -> Result<Self, SagaError> {
        let Self { row, mut commands } = self;
        Ok(match next(definition, &row, input, None, cause)? {
            Some(after) => {
                commands.extend(after.commands);
                Self {
                    row: after.row,
                    commands,
                }
            }
            None => Self { row, commands },
        })
    }
}

fn after(definition: &Definition, mut row: SagaRow, advance: Advance, cause: &Cause) -> Result<Transition, SagaError> {
    let mut commands = Vec::with_capacity(advance.sends.len() + advance.echoes.len());
    for send in &advance.sends {
        commands.push(command(definition, &mut row, *send)?);
    }
    for echo in &advance.echoes {
        commands.push(echo_event(definition, &row, *echo)?);
    }
    for (place, note) in advance.notes.iter().enumerate() {
        let entry = entry(definition, &row.saga, note, place == 0, cause);
        row.journal.add(entry);
    }
    row.status = advance.progress.status(&definition.shape);
    row.deadline = match advance.progress.due_ms() {
        _ if row.status.is_end() => None,
        Some(due_ms) => Some(Timestamp::from_unix_ms(due_ms)),
        // Nothing happens by itself any more; the index still has it.
        None => Some(Timestamp::from_unix_ms(i64::MAX)),
    };
    row.progress = advance.progress;
    let (saga, shape, progress) = (&row.saga, &definition.shape, &row.progress);
    row.calls.retain(|id, _| {
        let id = id.parse();
        id.is_ok_and(|id| is_awaited(saga, shape, progress, id))
    });
    row.version += 1;
    row.revision = cause.revision.clone();
    row.stream_version += commands.len() as u64;
    row.updated_at = cause.now;
    Ok(Transition { row, commands })
}

/// The event that sends a command, or asks for a call. What a call is made with is written down the first time.
fn command(definition: &Definition, row: &mut SagaRow, send: Send) -> Result<NewEvent, SagaError> {
    let step = &definition.shape.steps[send.step].name;
    let id = command_id(&row.saga, step, send.leg, send.number);
    let command = match definition.plan.command((send.step, send.leg), &row.data)? {
        Some(command) => command,
        None => {
            let SagaRow { calls, data, .. } = row;
            calls.entry(id.to_string()).or_insert_with(|| data.clone());
            NewEvent::of(&SagaCallDue {
                step: step.clone(),
                undo: send.leg == Leg::Undo,
                number: send.number,
            })?
        }
    };
    Ok(command.with_id(id))
}

fn echo_event(definition: &Definition, row: &SagaRow, echo: Echo) -> Result<NewEvent, SagaError> {
    let step = definition.shape.steps[echo.step].name.clone();
    let id = echo_id(&row.saga, &step, echo.leg, row.version + 1);
    let echo = NewEvent::of(&SagaEcho {
        step,
        undo: echo.leg == Leg::Undo,
        number: echo.number,
    })?;
    Ok(echo.with_id(id))
}

/// The first note tells of what came, the others of what follows from it.
fn entry(definition: &Definition, saga: &Aggregate, note: &Note, is_first: bool, cause: &Cause) -> JournalEntry {
    let step = note.step.map(|place| definition.shape.steps[place].name.clone());
    let sent = matches!(note.what, What::Asked | What::UndoAsked);
    let event_id = match (&step, note.command) {
        (Some(step), Some((leg, number))) if sent => Some(command_id(saga, step, leg, number)),
        _ if is_first => Some(cause.event_id),
        _ => None,
    };
    let detail = match (note.step, note.command) {
        (Some(place), Some((leg, _))) if sent => Some(promise(definition, place, leg)),
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
fn promise(definition: &Definition, place: usize, leg: Leg) -> String {
    let label = definition.plan.label((place, leg));
    match (leg, &definition.shape.steps[place].undo) {
        (Leg::Action, Some(_)) => {
            let undo = definition.plan.label((place, Leg::Undo));
            format!("{label}, undone by {undo}")
        }
        _ => label.to_owned(),
    }
}
