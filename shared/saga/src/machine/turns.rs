//! Single turns of the machine at chosen times: the bounds that no order of answers shows.

use std::time::Duration;

use onecommit_engine::Backoff;
use onecommit_environment::Timestamp;

use super::progress::{StepProgress, Way};
use super::*;
use crate::journal::What;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// A saga of one step, which is asked for at 0 and has to be answered within a minute.
struct OneStep {
    shape: Shape,
    progress: Progress,
}

impl OneStep {
    fn begun(role: Role, mode: Mode, attempts: u32) -> Self {
        let policy = AttemptPolicy {
            mode,
            within: Duration::from_secs(60),
            attempts,
            gives_up: true,
            pause: Backoff {
                first: Duration::from_secs(10),
                longest: Duration::from_secs(40),
            },
        };
        let step = StepShape {
            name: "step".to_owned(),
            stage: 0,
            role,
            undo: (role != Role::Retriable).then(|| policy.clone()),
            action: policy,
        };
        let shape = Shape { steps: vec![step] };
        let progress = begin(&shape, Timestamp::from_unix_ms(0)).progress;
        Self { shape, progress }
    }

    fn take(&mut self, now_ms: i64, input: Input) -> Option<Advance> {
        let advance = advance(&self.shape, &self.progress, input, Timestamp::from_unix_ms(now_ms))?;
        self.progress = advance.progress.clone();
        Some(advance)
    }

    /// Its deadline is handled so much after it was reached.
    fn deadline(&mut self, late_ms: i64) -> i64 {
        let now_ms = self.due() + late_ms;
        self.take(now_ms, Input::DeadlineReached { by_ms: now_ms });
        now_ms
    }

    fn refuse(&mut self, now_ms: i64) {
        let number = self.step().action.number;
        self.take(now_ms, answer(Leg::Action, number, Reply::Refused));
    }

    fn step(&self) -> &StepProgress {
        &self.progress.steps[0]
    }

    fn due(&self) -> i64 {
        self.step().due_ms.unwrap()
    }
}

fn answer(leg: Leg, number: u32, reply: Reply) -> Input {
    Input::Answer {
        step: 0,
        leg,
        number,
        reply,
    }
}

const OF_THE_FIRST: Echo = Echo {
    step: 0,
    leg: Leg::Action,
    number: 1,
};

#[test]
fn an_attempt_counts_when_its_deadline_is_handled_within_two_minutes() {
    for (late_ms, tries, excused) in [(2 * MINUTE, 2, 0), (2 * MINUTE + 1, 1, 1)] {
        let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 3);
        saga.deadline(late_ms);
        let step = saga.step();
        assert_eq!(
            (step.action.number, step.action.tries, step.excused),
            (2, tries, excused)
        );
    }
}

#[test]
fn attempts_begin_anew_ten_times_and_then_count_however_late() {
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 3);
    for excused in 1..=10 {
        saga.deadline(5 * MINUTE);
        assert_eq!((saga.step().action.tries, saga.step().excused), (1, excused));
    }
    saga.deadline(5 * MINUTE);
    assert_eq!((saga.step().action.tries, saga.step().excused), (2, 10));
}

#[test]
fn echoes_that_do_not_come_back_are_sent_ever_more_rarely() {
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    let pauses = [60, 60, 120, 240, 480, 900, 900].map(|pause| {
        let now_ms = saga.deadline(0);
        (saga.due() - now_ms) / SECOND == pause
    });
    assert_eq!(pauses, [true; 7]);
    assert_eq!(saga.step().way, Way::Asked { since_ms: MINUTE });
}

#[test]
fn an_echo_that_is_back_in_time_gives_as_long_again_and_then_the_step_up() {
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    let since_ms = saga.deadline(0);
    assert!(
        saga.take(
            since_ms,
            Input::Echoed(Echo {
                number: 2,
                ..OF_THE_FIRST
            })
        )
        .is_none()
    );
    let back_ms = since_ms + 2 * MINUTE;
    saga.take(back_ms, Input::Echoed(OF_THE_FIRST)).unwrap();
    assert_eq!((saga.step().way, saga.due()), (Way::Open, back_ms + MINUTE));
    assert!(saga.take(back_ms, Input::Echoed(OF_THE_FIRST)).is_none(), "a copy");
    saga.deadline(0);
    assert_eq!(saga.step().state, State::Undoing);
}

#[test]
fn an_echo_that_is_back_late_gives_every_attempt_anew() {
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    let late_ms = saga.deadline(0) + 2 * MINUTE + 1;
    let advance = saga.take(late_ms, Input::Echoed(OF_THE_FIRST)).unwrap();
    assert_eq!(advance.notes[0].detail, Some("messages did not travel in time"));
    let step = saga.step();
    assert_eq!(
        (step.state, step.action.number, step.action.tries),
        (State::Asked, 2, 1)
    );
    assert_eq!((step.way, step.excused), (Way::Unknown, 1));
}

#[test]
fn a_call_is_repeated_under_its_number_unless_it_was_refused() {
    let retry = Input::Retry { step: None };
    let mut refused = OneStep::begun(Role::Retriable, Mode::Call, 1);
    refused.refuse(SECOND);
    assert_eq!((refused.step().state, refused.due()), (State::Pausing, 11 * SECOND));
    refused.take(2 * SECOND, retry).unwrap();
    assert_eq!((refused.step().action.number, refused.step().action.tries), (2, 1));

    let mut silent = OneStep::begun(Role::Retriable, Mode::Call, 1);
    let echoed_ms = silent.deadline(0);
    silent.take(echoed_ms, Input::Echoed(OF_THE_FIRST)).unwrap();
    let now_ms = silent.deadline(0);
    assert_eq!(silent.progress.status(&silent.shape), Status::NeedsAttention);
    silent.take(now_ms, retry).unwrap();
    assert_eq!((silent.step().action.number, silent.step().action.tries), (1, 1));
}

#[test]
fn a_step_that_is_tried_without_end_does_not_note_each_answer() {
    let mut saga = OneStep::begun(Role::Retriable, Mode::Command, 1);
    for _ in 0..3 {
        saga.refuse(0);
        saga.deadline(0);
    }
    assert_eq!(saga.step().action.number, 4);
    assert!(saga.step().answered.is_empty());
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    saga.refuse(0);
    assert_eq!(saga.step().answered, [1]);
}

#[test]
fn an_undo_that_nobody_answers_is_asked_for_again() {
    let mut saga = OneStep::begun(Role::Compensatable, Mode::Command, 2);
    saga.take(0, Input::Cancel).unwrap();
    // Nobody answers the step, either: it is given up without another attempt, and undone.
    saga.deadline(0);
    assert_eq!((saga.step().state, saga.step().undo.tries), (State::Undoing, 1));
    saga.deadline(0);
    assert_eq!((saga.step().state, saga.step().undo.tries), (State::Undoing, 2));
    let refusal = answer(Leg::Undo, 1, Reply::Refused);
    assert!(saga.take(0, refusal).is_none(), "the second may still be carried out");
    saga.take(0, answer(Leg::Undo, 2, Reply::Refused)).unwrap();
    assert_eq!(saga.step().state, State::UndoStuck);
}

#[test]
fn a_cancellation_that_comes_too_late_says_why() {
    let mut ended = OneStep::begun(Role::Pivot, Mode::Command, 1);
    ended.refuse(0);
    let advance = ended.take(0, Input::Cancel).unwrap();
    assert_eq!(advance.notes[0].detail, Some("it had ended"));
    let mut past = OneStep::begun(Role::Retriable, Mode::Command, 1);
    let advance = past.take(0, Input::Cancel).unwrap();
    assert_eq!(advance.notes[0].detail, Some("it is past its pivot"));
    assert_eq!(past.progress.status(&past.shape), Status::Running);
}

#[test]
fn a_pivot_that_succeeds_answers_only_a_cancellation_that_was_asked_for() {
    let succeeded = answer(Leg::Action, 1, Reply::Succeeded);
    let refusals = |advance: Advance| {
        advance
            .notes
            .iter()
            .filter(|note| note.what == What::NotCancelled)
            .count()
    };
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    assert_eq!(refusals(saga.take(0, succeeded).unwrap()), 0);
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    saga.take(0, Input::Cancel).unwrap();
    assert_eq!(refusals(saga.take(0, succeeded).unwrap()), 1);
}

#[test]
fn what_a_step_has_not_met_is_not_in_its_row() {
    let fresh = serde_json::to_value(StepProgress::default()).unwrap();
    for name in ["dueMs", "way", "excused"] {
        assert!(fresh.get(name).is_none(), "{name}");
    }
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 3);
    saga.deadline(5 * MINUTE);
    let step = serde_json::to_value(saga.step()).unwrap();
    assert_eq!(step["excused"], 1);
    let mut saga = OneStep::begun(Role::Pivot, Mode::Command, 1);
    saga.deadline(0);
    let read: StepProgress = serde_json::from_value(serde_json::to_value(saga.step()).unwrap()).unwrap();
    assert_eq!(&read, saga.step());
}
