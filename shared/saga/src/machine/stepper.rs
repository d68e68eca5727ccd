use std::time::Duration;

use onecommit_environment::Timestamp;

use super::progress::{Direction, Progress, State, Status, StepProgress, Tries, Way};
use super::shape::{AttemptPolicy, Mode, Role, Shape};
use crate::journal::What;

/// Something that happens to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// The command of this number was answered.
    Answer {
        step: usize,
        leg: Leg,
        number: u32,
        reply: Reply,
    },
    /// A call that nobody waits for any more came up. An earlier run may have made it.
    CallCameUpLate { step: usize, number: u32 },
    /// Everything due by then is due.
    DeadlineReached { by_ms: i64 },
    /// The echo that was sent after the command of this number is back.
    Echoed(Echo),
    /// Somebody wants it cancelled.
    Cancel,
    /// Somebody wants what keeps failing tried again: this step, or all.
    Retry { step: Option<usize> },
    /// Somebody wants to go on without what keeps failing: this step, or all.
    Skip { step: Option<usize> },
    /// Somebody has put things right by hand.
    Resolve,
}

/// Which of a step's two policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Leg {
    Action,
    Undo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Succeeded,
    Refused,
}

/// Sent after a command that was not answered in time: once it is back, the way there and back was open since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Echo {
    pub(crate) step: usize,
    pub(crate) leg: Leg,
    pub(crate) number: u32,
}

/// What follows from an input.
#[derive(Clone, Debug)]
pub(crate) struct Advance {
    pub(crate) progress: Progress,
    /// Commands to send, in this order.
    pub(crate) sends: Vec<Send>,
    /// Echoes to send after them.
    pub(crate) echoes: Vec<Echo>,
    /// What to write into the journal, in this order.
    pub(crate) notes: Vec<Note>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    pub(crate) step: usize,
    pub(crate) leg: Leg,
    pub(crate) number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) what: What,
    pub(crate) step: Option<usize>,
    /// The command it is about.
    pub(crate) command: Option<(Leg, u32)>,
    pub(crate) detail: Option<&'static str>,
}

/// A saga begins.
pub(crate) fn begin(shape: &Shape, now: Timestamp) -> Advance {
    let mut stepper = Stepper::new(shape, Progress::of(shape), now);
    stepper.note(What::Started, None, None);
    stepper.go_on();
    stepper.end(Status::Running)
}

/// Something happens; `None` when nothing follows.
pub(crate) fn advance(shape: &Shape, progress: &Progress, input: Input, now: Timestamp) -> Option<Advance> {
    let before = progress.status(shape);
    let mut stepper = Stepper::new(shape, progress.clone(), now);
    stepper.take(input);
    stepper.go_on();
    let advance = stepper.end(before);
    let is_something = advance.progress != *progress || !advance.notes.is_empty() || !advance.echoes.is_empty();
    is_something.then_some(advance)
}

/// A deadline or an echo that comes up later than this shows that this side could not work: deadlines are looked for once
/// a minute, and a message takes seconds.
const LATE: Duration = Duration::from_secs(120);
/// How often a step's attempts begin anew because something came up late. It bounds what a queue that is always this late
/// can do.
const EXCUSES_MAX: u32 = 10;
/// The longest pause between two echoes while none comes back.
const ECHO_PAUSE_MAX: Duration = Duration::from_secs(900);

/// Makes an advance: applies one input to the progress and collects what follows.
struct Stepper<'a> {
    shape: &'a Shape,
    now_ms: i64,
    advance: Advance,
}

impl<'a> Stepper<'a> {
    fn new(shape: &'a Shape, progress: Progress, now: Timestamp) -> Self {
        let advance = Advance {
            progress,
            sends: Vec::new(),
            echoes: Vec::new(),
            notes: Vec::new(),
        };
        let now_ms = now.unix_ms();
        Self { shape, now_ms, advance }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Answer {
                step,
                leg: Leg::Action,
                number,
                reply,
            } => self.answered(step, number, reply),
            Input::Answer {
                step,
                leg: Leg::Undo,
                number,
                reply,
            } => self.undo_answered(step, number, reply),
            Input::CallCameUpLate { step, number } => self.late_success(step, number, "it may have been made"),
            Input::DeadlineReached { by_ms } => self.deadline_reached(by_ms),
            Input::Echoed(echo) => self.echoed(echo),
            Input::Cancel => self.cancel(),
            Input::Retry { step } => self.retry(step),
            Input::Skip { step } => self.skip(step),
            Input::Resolve => self.resolve(),
        }
    }

    fn end(mut self, before: Status) -> Advance {
        let after = self.advance.progress.status(self.shape);
        if after != before {
            self.note(What::Became(after), None, None);
        }
        self.advance
    }

    // ------------------------------------------------------------ answers

    fn answered(&mut self, step: usize, number: u32, reply: Reply) {
        let newest = number == self.step(step).action.number;
        match (self.state(step), reply) {
            (State::Asked | State::Pausing, Reply::Succeeded) => self.succeeded(step, number),
            (State::Asked, Reply::Refused) if self.role(step) == Role::Retriable => {
                if newest {
                    self.refused_after_pivot(step, number);
                }
            }
            (State::Asked, Reply::Refused) => self.refused(step, number),
            (_, Reply::Succeeded) => self.late_success(step, number, "the step had been given up"),
            (_, Reply::Refused) => {}
        }
    }

    fn succeeded(&mut self, step: usize, number: u32) {
        self.mark_answered(step, number);
        self.settle(step, State::Done);
        self.note_command(What::Succeeded, step, Leg::Action, number);
        if self.role(step) == Role::Pivot && self.advance.progress.cancel_requested {
            self.advance.progress.cancel_requested = false;
            self.note(What::NotCancelled, None, Some("the pivot succeeded before"));
        }
    }

    /// An earlier command of the step that nobody answered may have been heard all the same, so only a step whose every
    /// command was answered is known not to have happened.
    fn refused(&mut self, step: usize, number: u32) {
        if self.is_answered(step, number) {
            return;
        }
        self.mark_answered(step, number);
        self.note_command(What::Refused, step, Leg::Action, number);
        if number != self.step(step).action.number {
            return;
        }
        let all_answered = (1..=number).all(|number| self.is_answered(step, number));
        self.settle(step, if all_answered { State::Refused } else { State::Unknown });
        self.turn_back("a step was refused");
    }

    fn refused_after_pivot(&mut self, step: usize, number: u32) {
        self.mark_answered(step, number);
        self.note_command(What::Refused, step, Leg::Action, number);
        let policy = &self.shape.steps[step].action;
        self.pause(step, State::Pausing, policy.pause_after(self.step(step).action.tries));
    }

    /// The step happened after it had been given up: whatever was sent to undo it may have come too early.
    fn late_success(&mut self, step: usize, number: u32, detail: &'static str) {
        let is_back = self.advance.progress.direction == Direction::Backward;
        let undo_was_sent = !matches!(
            self.state(step),
            State::Pending | State::Asked | State::Done | State::Unknown
        );
        if !is_back || !undo_was_sent || self.is_answered(step, number) {
            return;
        }
        self.mark_answered(step, number);
        let note = Note {
            detail: Some(detail),
            ..self.command_note(What::SucceededLate, step, Leg::Action, number)
        };
        self.advance.notes.push(note);
        // Who ended the saga by hand reads it in the journal.
        if !self.advance.progress.resolved {
            self.step_mut(step).undo.tries = 0;
            self.send(step, Leg::Undo, true);
            self.step_mut(step).undo_counts_from = self.step(step).undo.number;
        }
    }

    fn undo_answered(&mut self, step: usize, number: u32, reply: Reply) {
        if self.advance.progress.resolved {
            return;
        }
        let newest = number == self.step(step).undo.number;
        let counts = number >= self.step(step).undo_counts_from;
        match (self.state(step), reply) {
            (State::Undoing | State::UndoPausing | State::UndoStuck, Reply::Succeeded) if counts => {
                self.settle(step, State::Undone);
                self.note_command(What::Undone, step, Leg::Undo, number);
            }
            (State::Undoing, Reply::Refused) if newest => {
                self.note_command(What::UndoRefused, step, Leg::Undo, number);
                let tries = self.step(step).undo.tries;
                match self.policy(step, Leg::Undo) {
                    Some(policy) if tries < policy.attempts => {
                        let pause = policy.pause_after(tries);
                        self.pause(step, State::UndoPausing, pause);
                    }
                    _ => self.settle(step, State::UndoStuck),
                }
            }
            _ => {}
        }
    }

    // ------------------------------------------------------------ time

    fn deadline_reached(&mut self, by_ms: i64) {
        let is_due = |step: &StepProgress| step.due_ms.is_some_and(|due| due <= by_ms);
        let due: Vec<usize> = (0..self.shape.steps.len())
            .filter(|step| is_due(self.step(*step)))
            .collect();
        for step in due {
            self.due(step);
        }
    }

    fn due(&mut self, step: usize) {
        match self.state(step) {
            State::Asked => self.unanswered(step, Leg::Action),
            State::Undoing => self.unanswered(step, Leg::Undo),
            State::Pausing => self.send(step, Leg::Action, true),
            State::UndoPausing => self.send(step, Leg::Undo, true),
            _ => {}
        }
    }

    /// A command was not answered in time. Only an attempt during which this side could work counts, and the last one
    /// counts only once the way there and back is known to be open:
    ///
    /// ```text
    /// command ── deadline ── echo sent ── echo back ── as long again ── given up
    ///               │                        └ late: the way was closed: all attempts anew
    ///               └ handled late: we were down: all attempts anew
    /// ```
    ///
    /// While no echo comes back nothing is decided: what undoes a step would not leave either.
    fn unanswered(&mut self, step: usize, leg: Leg) {
        if let Way::Asked { since_ms } = self.step(step).way {
            return self.send_echo(step, leg, since_ms);
        }
        let number = self.tries(step, leg).number;
        let what = match leg {
            Leg::Action => What::TimedOut,
            Leg::Undo => What::UndoTimedOut,
        };
        self.note_command(what, step, leg, number);
        let due_ms = self.step(step).due_ms.unwrap_or(self.now_ms);
        if !self.is_wanted(step, leg) {
            self.exhausted(step, leg);
        } else if self.is_late_since(due_ms) && self.may_excuse(step) {
            self.excuse(step, leg, "its deadline was handled late");
        } else if !self.is_last_try(step, leg) {
            self.send(step, leg, false);
        } else if self.step(step).way == Way::Open {
            self.exhausted(step, leg);
        } else {
            self.note_command(What::WayChecked, step, leg, number);
            self.send_echo(step, leg, self.now_ms);
        }
    }

    /// What is about to be undone, or cancelled, is not asked for again.
    fn is_wanted(&self, step: usize, leg: Leg) -> bool {
        let progress = &self.advance.progress;
        let goes_forward = progress.direction == Direction::Forward && !progress.cancel_requested;
        leg == Leg::Undo || self.role(step) == Role::Retriable || goes_forward
    }

    /// Whether something follows from another attempt without an answer. A step after the pivot that a person has been
    /// asked to look at is simply asked for again.
    fn is_last_try(&self, step: usize, leg: Leg) -> bool {
        let attempts = self.policy(step, leg).map_or(0, |policy| policy.attempts);
        let tries = self.tries(step, leg).tries;
        match self.role(step) {
            Role::Retriable => tries == attempts,
            _ if leg == Leg::Action && !self.gives_up(step) => false,
            _ => tries >= attempts,
        }
    }

    fn gives_up(&self, step: usize) -> bool {
        self.policy(step, Leg::Action).is_none_or(|policy| policy.gives_up)
    }

    /// Nobody answered, although everybody could.
    fn exhausted(&mut self, step: usize, leg: Leg) {
        match (leg, self.role(step)) {
            (Leg::Undo, _) => self.settle(step, State::UndoStuck),
            (Leg::Action, Role::Retriable) => self.send(step, Leg::Action, false),
            (Leg::Action, _) => {
                let number = self.tries(step, leg).number;
                self.settle(step, State::Unknown);
                self.note_command(What::GivenUp, step, Leg::Action, number);
                self.turn_back("a step was given up");
            }
        }
    }

    fn echoed(&mut self, echo: Echo) {
        let Echo { step, leg, number } = echo;
        let waits = match leg {
            Leg::Action => self.state(step) == State::Asked,
            Leg::Undo => self.state(step) == State::Undoing,
        };
        let Way::Asked { since_ms } = self.step(step).way else {
            return;
        };
        if !waits || number != self.tries(step, leg).number {
            return;
        }
        if self.is_late_since(since_ms) && self.may_excuse(step) && self.is_wanted(step, leg) {
            return self.excuse(step, leg, "messages did not travel in time");
        }
        let wait = self.wait_of(step, leg);
        let due_ms = self.now_ms.saturating_add(ms(wait));
        let of_step = self.step_mut(step);
        of_step.way = Way::Open;
        of_step.due_ms = Some(due_ms);
    }

    /// Asks again from the first attempt on: a fresh command is carried out at once, while one that met the outage may
    /// wait for its next delivery.
    fn excuse(&mut self, step: usize, leg: Leg, why: &'static str) {
        let number = self.tries(step, leg).number;
        let note = self.command_note(What::NotCounted, step, leg, number);
        let detail = Some(why);
        self.advance.notes.push(Note { detail, ..note });
        self.step_mut(step).excused += 1;
        match leg {
            Leg::Action => self.step_mut(step).action.tries = 0,
            Leg::Undo => self.step_mut(step).undo.tries = 0,
        }
        self.send(step, leg, false);
    }

    /// Sends an echo, and another when it does not come back: the longer that takes, the more rarely.
    fn send_echo(&mut self, step: usize, leg: Leg, since_ms: i64) {
        let number = self.tries(step, leg).number;
        self.advance.echoes.push(Echo { step, leg, number });
        let waited = Duration::from_millis(u64::try_from(self.now_ms.saturating_sub(since_ms)).unwrap_or(0));
        let pause = waited.min(ECHO_PAUSE_MAX).max(self.wait_of(step, leg));
        let due_ms = self.now_ms.saturating_add(ms(pause));
        let of_step = self.step_mut(step);
        of_step.way = Way::Asked { since_ms };
        of_step.due_ms = Some(due_ms);
    }

    fn is_late_since(&self, since_ms: i64) -> bool {
        self.now_ms.saturating_sub(since_ms) > ms(LATE)
    }

    fn may_excuse(&self, step: usize) -> bool {
        self.step(step).excused < EXCUSES_MAX
    }

    // ------------------------------------------------------------ people

    fn cancel(&mut self) {
        let status = self.advance.progress.status(self.shape);
        let past_pivot = self.any(|step, role| role == Role::Pivot && step.state.is_finished())
            || self.any(|step, role| role == Role::Retriable && step.state != State::Pending);
        let pivot_is_out = self.any(|step, role| role == Role::Pivot && step.state == State::Asked);
        let refusal = match self.advance.progress.direction {
            _ if status.is_end() => Some("it had ended"),
            Direction::Backward => Some("it compensates already"),
            Direction::Forward if past_pivot => Some("it is past its pivot"),
            Direction::Forward => None,
        };
        match refusal {
            Some(why) => self.note(What::NotCancelled, None, Some(why)),
            None if pivot_is_out => {
                self.advance.progress.cancel_requested = true;
                self.note(What::CancelRequested, None, Some("the pivot's outcome decides"));
            }
            None => {
                self.note(What::CancelRequested, None, None);
                self.turn_back("it was cancelled");
            }
        }
    }

    fn retry(&mut self, step: Option<usize>) {
        for step in self.stuck(step, What::RetryRequested) {
            if self.state(step) == State::UndoStuck {
                self.step_mut(step).undo.tries = 0;
                self.send(step, Leg::Undo, true);
            } else {
                let was_refused = self.state(step) == State::Pausing;
                self.step_mut(step).action.tries = 0;
                self.send(step, Leg::Action, was_refused);
            }
        }
    }

    fn skip(&mut self, step: Option<usize>) {
        for step in self.stuck(step, What::SkipRequested) {
            if self.state(step) == State::UndoStuck {
                self.settle(step, State::UndoSkipped);
            } else {
                self.settle(step, State::Skipped);
            }
        }
    }

    fn resolve(&mut self) {
        if self.advance.progress.status(self.shape) != Status::NeedsAttention {
            self.note(
                What::NothingToDo,
                None,
                Some("only a saga that needs attention can be resolved"),
            );
            return;
        }
        self.note(What::ResolveRequested, None, None);
        self.advance.progress.resolved = true;
        self.advance
            .progress
            .steps
            .iter_mut()
            .for_each(|step| step.due_ms = None);
    }

    /// The stuck ones among what a person asked for, each noted.
    fn stuck(&mut self, wanted: Option<usize>, what: What) -> Vec<usize> {
        let is_wanted = |step: &usize| wanted.is_none_or(|wanted| wanted == *step);
        let needs_attention = self.advance.progress.status(self.shape) == Status::NeedsAttention;
        let stuck: Vec<usize> = (0..self.shape.steps.len())
            .filter(is_wanted)
            .filter(|step| needs_attention && self.advance.progress.is_stuck(self.shape, *step))
            .collect();
        if stuck.is_empty() {
            self.note(What::NothingToDo, wanted, Some("no such step keeps failing"));
        }
        for step in &stuck {
            self.note(what, Some(*step), None);
        }
        stuck
    }

    // ------------------------------------------------------------ stepper

    fn turn_back(&mut self, why: &'static str) {
        if self.advance.progress.direction == Direction::Forward {
            self.advance.progress.direction = Direction::Backward;
            self.advance.progress.cancel_requested = false;
            self.note(What::TurnedBack, None, Some(why));
        }
    }

    /// Asks for all whose turn has come.
    fn go_on(&mut self) {
        if self.advance.progress.resolved {
            return;
        }
        let stages = self.shape.stages();
        match self.advance.progress.direction {
            Direction::Forward => {
                for stage in 0..stages {
                    self.send_those(stage, Leg::Action, |state| state == State::Pending);
                    if !self.stage_is(stage, State::is_finished) {
                        break;
                    }
                }
            }
            Direction::Backward => {
                for stage in (0..stages).rev() {
                    self.send_those(stage, Leg::Undo, |state| matches!(state, State::Done | State::Unknown));
                    if !self.stage_is(stage, State::is_undone) {
                        break;
                    }
                }
            }
        }
    }

    fn send_those(&mut self, stage: usize, leg: Leg, wanted: fn(State) -> bool) {
        let shape = self.shape;
        for step in shape.of_stage(stage) {
            if wanted(self.state(step)) {
                self.send(step, leg, true);
            }
        }
    }

    fn stage_is(&self, stage: usize, holds: fn(State) -> bool) -> bool {
        self.shape.of_stage(stage).all(|step| holds(self.state(step)))
    }

    /// Sends a command. A call whose outcome nobody knows keeps its number, and so its idempotency key; only `anew`, when
    /// the one before was refused or there was none, it takes another.
    fn send(&mut self, step: usize, leg: Leg, anew: bool) {
        let Some(policy) = self.policy(step, leg) else {
            return;
        };
        let now_ms = self.now_ms;
        let of_step = self.step_mut(step);
        let tries = match leg {
            Leg::Action => &mut of_step.action,
            Leg::Undo => &mut of_step.undo,
        };
        if anew || policy.mode != Mode::Call {
            tries.number += 1;
        }
        tries.tries = tries.tries.saturating_add(1);
        let (number, due_ms) = (tries.number, now_ms.saturating_add(ms(policy.wait_of(tries.tries))));
        of_step.due_ms = Some(due_ms);
        of_step.way = Way::Unknown;
        of_step.state = match leg {
            Leg::Action => State::Asked,
            Leg::Undo => State::Undoing,
        };
        self.advance.sends.push(Send { step, leg, number });
        let (sent, done, end) = match leg {
            Leg::Action => (What::Asked, What::Succeeded, State::Done),
            Leg::Undo => (What::UndoAsked, What::Undone, State::Undone),
        };
        self.note_command(sent, step, leg, number);
        if policy.mode == Mode::Unanswered {
            self.settle(step, end);
            self.note_command(done, step, leg, number);
        }
    }

    fn settle(&mut self, step: usize, state: State) {
        let of_step = self.step_mut(step);
        of_step.state = state;
        of_step.due_ms = None;
        of_step.way = Way::Unknown;
        of_step.excused = 0;
    }

    fn pause(&mut self, step: usize, state: State, pause: Duration) {
        let due_ms = self.now_ms.saturating_add(ms(pause));
        let of_step = self.step_mut(step);
        of_step.state = state;
        of_step.due_ms = Some(due_ms);
        of_step.way = Way::Unknown;
    }

    // ------------------------------------------------------------ looking and noting

    fn step(&self, step: usize) -> &StepProgress {
        &self.advance.progress.steps[step]
    }

    fn step_mut(&mut self, step: usize) -> &mut StepProgress {
        &mut self.advance.progress.steps[step]
    }

    fn state(&self, step: usize) -> State {
        self.step(step).state
    }

    fn role(&self, step: usize) -> Role {
        self.shape.steps[step].role
    }

    fn policy(&self, step: usize, leg: Leg) -> Option<&'a AttemptPolicy> {
        let of_step = &self.shape.steps[step];
        match leg {
            Leg::Action => Some(&of_step.action),
            Leg::Undo => of_step.undo.as_ref(),
        }
    }

    fn tries(&self, step: usize, leg: Leg) -> Tries {
        match leg {
            Leg::Action => self.step(step).action,
            Leg::Undo => self.step(step).undo,
        }
    }

    /// How long the answer to the newest command is waited for.
    fn wait_of(&self, step: usize, leg: Leg) -> Duration {
        let tries = self.tries(step, leg).tries;
        self.policy(step, leg)
            .map_or(Duration::ZERO, |policy| policy.wait_of(tries))
    }

    fn any(&self, holds: impl Fn(&StepProgress, Role) -> bool) -> bool {
        let steps = self.advance.progress.steps.iter().zip(&self.shape.steps);
        steps.into_iter().any(|(step, shape)| holds(step, shape.role))
    }

    fn is_answered(&self, step: usize, number: u32) -> bool {
        self.step(step).answered.contains(&number)
    }

    fn mark_answered(&mut self, step: usize, number: u32) {
        if !self.is_answered(step, number) && self.role(step) != Role::Retriable {
            self.step_mut(step).answered.push(number);
        }
    }

    fn command_note(&self, what: What, step: usize, leg: Leg, number: u32) -> Note {
        Note {
            what,
            step: Some(step),
            command: Some((leg, number)),
            detail: None,
        }
    }

    fn note_command(&mut self, what: What, step: usize, leg: Leg, number: u32) {
        let note = self.command_note(what, step, leg, number);
        self.advance.notes.push(note);
    }

    fn note(&mut self, what: What, step: Option<usize>, detail: Option<&'static str>) {
        self.advance.notes.push(Note {
            what,
            step,
            command: None,
            detail,
        });
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
