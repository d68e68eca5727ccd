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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onecommit_engine::Backoff;

    use super::*;
    use crate::machine::{AttemptPolicy, Mode, Role, StepShape};

    fn shape() -> Shape {
        let second = Duration::from_secs(1);
        let policy = AttemptPolicy {
            mode: Mode::Command,
            within: second,
            attempts: 1,
            gives_up: true,
            pause: Backoff {
                first: second,
                longest: second,
            },
        };
        let step = StepShape {
            name: "pay".to_owned(),
            stage: 0,
            role: Role::Pivot,
            action: policy.clone(),
            undo: Some(policy),
        };
        Shape { steps: vec![step] }
    }

    fn progress(state: State, actions: u32, undos: u32) -> Progress {
        let mut progress = Progress::of(&shape());
        progress.steps[0].state = state;
        progress.steps[0].action.number = actions;
        progress.steps[0].undo.number = undos;
        progress
    }

    fn saga() -> Aggregate {
        Aggregate::new("Order", "ord_1").unwrap()
    }

    fn id(leg: Leg, number: u32) -> EventId {
        command_id(&saga(), "pay", leg, number)
    }

    #[test]
    fn only_the_newest_command_of_the_leg_that_waits_is_awaited() {
        for (state, leg, number, awaited) in [
            (State::Asked, Leg::Action, 2, true),
            (State::Asked, Leg::Action, 1, false),
            (State::Asked, Leg::Undo, 3, false),
            (State::Undoing, Leg::Undo, 3, true),
            (State::Undoing, Leg::Undo, 2, false),
            (State::Undoing, Leg::Action, 2, false),
            (State::Pausing, Leg::Action, 2, false),
        ] {
            let found = is_awaited(&saga(), &shape(), &progress(state, 2, 3), id(leg, number));
            assert_eq!(found, awaited, "{state:?} {leg:?} {number}");
        }
    }

    #[test]
    fn a_command_is_found_among_the_newest_fifty_one() {
        let progress = progress(State::Asked, 100, 0);
        let found = |leg, number| find(&saga(), &shape(), &progress, id(leg, number));
        assert_eq!(found(Leg::Action, 100), Some((0, Leg::Action, 100)));
        assert_eq!(found(Leg::Action, 50), Some((0, Leg::Action, 50)));
        assert_eq!(found(Leg::Action, 49), None);
        assert_eq!(found(Leg::Action, 101), None);
    }

    #[test]
    fn every_command_and_every_echo_has_an_id_of_its_own() {
        let echo = |leg, version| echo_id(&saga(), "pay", leg, version);
        let ids = [
            id(Leg::Action, 1),
            id(Leg::Action, 2),
            id(Leg::Undo, 1),
            command_id(&saga(), "ship", Leg::Action, 1),
            echo(Leg::Action, 1),
            echo(Leg::Action, 2),
            echo(Leg::Undo, 1),
        ];
        for (place, id) in ids.iter().enumerate() {
            assert!(!ids[..place].contains(id), "{place}");
        }
    }
}
