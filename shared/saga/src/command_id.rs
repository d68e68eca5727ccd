use onecommit_event::{Aggregate, EventId};

use crate::machine::{Leg, Progress, Shape, State};

/// The id of a saga's command: it follows from the saga, the step and the command's number, so that an answer is matched to
/// its command without a list of ids, and every run of a transition gives its commands the same ids.
pub(crate) fn command_id(saga: &Aggregate, step: &str, leg: Leg, number: u32) -> EventId {
    EventId::of_foreign(&saga.to_string(), &format!("{}/{number}/{step}", word(leg)))
}

/// The id of an echo: another one for each version of the saga's row that sends one.
pub(crate) fn echo_id(saga: &Aggregate, step: &str, leg: Leg, version: u64) -> EventId {
    EventId::of_foreign(&saga.to_string(), &format!("echo/{}/{version}/{step}", word(leg)))
}

fn word(leg: Leg) -> &'static str {
    match leg {
        Leg::Action => "do",
        Leg::Undo => "undo",
    }
}

/// How many earlier commands of one step an answer is looked for among. Only a step after the pivot, which is tried without
/// end, ever has more.
const EARLIER_COMMANDS: u32 = 50;

/// The step, leg and number of the command with this id.
pub(crate) fn find(saga: &Aggregate, shape: &Shape, progress: &Progress, id: EventId) -> Option<(usize, Leg, u32)> {
    newest(progress)
        .flat_map(|(step, leg, newest)| {
            let oldest = newest.saturating_sub(EARLIER_COMMANDS).max(1);
            (oldest..=newest).rev().map(move |number| (step, leg, number))
        })
        .find(|(step, leg, number)| command_id(saga, &shape.steps[*step].name, *leg, *number) == id)
}

/// Whether this is the newest command of a step that waits for its answer. Then nobody else can have moved the step since:
/// what is known of the saga may be used without reading it again.
pub(crate) fn is_awaited(saga: &Aggregate, shape: &Shape, progress: &Progress, id: EventId) -> bool {
    newest(progress)
        .filter(|(step, leg, _)| match progress.steps[*step].state {
            State::Asked => *leg == Leg::Action,
            State::Undoing => *leg == Leg::Undo,
            _ => false,
        })
        .any(|(step, leg, number)| command_id(saga, &shape.steps[step].name, leg, number) == id)
}

/// The newest command of each step and leg that had one.
fn newest(progress: &Progress) -> impl Iterator<Item = (usize, Leg, u32)> {
    progress.steps.iter().enumerate().flat_map(|(place, step)| {
        let legs = [(Leg::Action, step.action.number), (Leg::Undo, step.undo.number)];
        let sent = legs.into_iter().filter(|(_, number)| *number > 0);
        sent.map(move |(leg, number)| (place, leg, number))
    })
}
