//! Every order in which commands can be carried out and answers, copies, deadlines and wishes can come, for small sagas.
//!
//! The world around the machine is a model: a participant carries out any outstanding command whenever it likes, also
//! long after others that were sent later, and says yes or no; its answers arrive whenever they like, also twice.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use onecommit_engine::Backoff;
use onecommit_environment::Timestamp;

use super::progress::{Direction, Way};
use super::*;

/// A saga and the world around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    progress: Progress,
    /// Commands that were sent and not yet carried out.
    on_the_way: Vec<Sent>,
    /// Answers that were given and have not yet come.
    answers: Vec<(Sent, Reply)>,
    /// Answers that came, and may come again.
    came: Vec<(Sent, Reply)>,
    /// Whether the effect of each step is there.
    is_there: Vec<bool>,
    cancels_left: u8,
}

type Sent = (usize, Leg, u32);

/// What a model lets happen.
#[derive(Clone, Copy)]
struct Rules {
    deadlines: bool,
    refusals: bool,
    undo_refusals: bool,
    copies: bool,
    cancels: u8,
    /// Commands of one kind and step beyond this are not sent in the model; what leads there is not looked into.
    numbers_max: u32,
}

const CALM: Rules = Rules {
    deadlines: false,
    refusals: true,
    undo_refusals: false,
    copies: true,
    cancels: 1,
    numbers_max: 2,
};

fn policy(attempts: u32, within_ms: u64) -> AttemptPolicy {
    AttemptPolicy {
        mode: Mode::Command,
        within: Duration::from_millis(within_ms),
        attempts,
        gives_up: true,
        pause: Backoff {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(5),
        },
    }
}

/// Steps by stage and role; all of them tried `attempts` times.
fn shape(steps: &[(usize, Role)], attempts: u32) -> Shape {
    let step = |(place, (stage, role)): (usize, &(usize, Role))| StepShape {
        name: format!("step {place}"),
        stage: *stage,
        role: *role,
        // Steps that run side by side are due at different times.
        action: policy(attempts, 100 + place as u64),
        undo: (*role != Role::Retriable).then(|| policy(attempts, 200 + place as u64)),
    };
    Shape {
        steps: steps.iter().enumerate().map(step).collect(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(0)
}

impl World {
    fn begin(shape: &Shape, rules: Rules) -> Self {
        let advance = begin(shape, now());
        let mut world = Self {
            progress: advance.progress.clone(),
            on_the_way: Vec::new(),
            answers: Vec::new(),
            came: Vec::new(),
            is_there: vec![false; shape.steps.len()],
            cancels_left: rules.cancels,
        };
        world.follow(advance);
        world
    }

    fn follow(&mut self, advance: Advance) {
        self.progress = advance.progress;
        let sent = advance.sends.iter().map(|send| (send.step, send.leg, send.number));
        self.on_the_way.extend(sent);
        self.on_the_way.sort_unstable_by_key(key);
    }

    /// The worlds that may come next, checked on the way there.
    fn nexts(&self, shape: &Shape, rules: Rules) -> Vec<Self> {
        let mut nexts = Vec::new();
        for place in 0..self.on_the_way.len() {
            nexts.extend(self.carried_out(place, Reply::Succeeded));
            let (_, leg, _) = self.on_the_way[place];
            if rules.refusals && (leg == Leg::Action || rules.undo_refusals) {
                nexts.extend(self.carried_out(place, Reply::Refused));
            }
        }
        for place in 0..self.answers.len() {
            let mut next = self.clone();
            let answer = next.answers.remove(place);
            if rules.copies {
                next.came.push(answer);
                next.came.sort_unstable_by_key(|(sent, _)| key(sent));
            }
            next.take(shape, input_of(answer));
            nexts.push(next);
        }
        for answer in &self.came {
            let mut next = self.clone();
            next.take(shape, input_of(*answer));
            nexts.push(next);
        }
        if rules.deadlines
            && let Some(by_ms) = self.progress.due_ms()
        {
            let mut next = self.clone();
            next.take(shape, Input::DeadlineReached { by_ms });
            nexts.push(next);
        }
        for echo in echoes_out(&self.progress) {
            let mut next = self.clone();
            next.take(shape, Input::Echoed(echo));
            nexts.push(next);
        }
        if self.cancels_left > 0 {
            let mut next = self.clone();
            next.cancels_left -= 1;
            next.take(shape, Input::Cancel);
            nexts.push(next);
        }
        let too_far = |step: &progress::StepProgress| {
            step.action.number > rules.numbers_max || step.undo.number > rules.numbers_max
        };
        nexts.retain(|next| !next.progress.steps.iter().any(too_far));
        nexts
    }

    fn carried_out(&self, place: usize, reply: Reply) -> Option<Self> {
        let mut next = self.clone();
        let sent = next.on_the_way.remove(place);
        if reply == Reply::Succeeded {
            next.is_there[sent.0] = sent.1 == Leg::Action;
        }
        next.answers.push((sent, reply));
        next.answers.sort_unstable_by_key(|(sent, _)| key(sent));
        Some(next)
    }

    fn take(&mut self, shape: &Shape, input: Input) {
        let Some(advance) = advance(shape, &self.progress, input, now()) else {
            return;
        };
        self.check_turn(shape, input, &advance);
        self.follow(advance);
    }

    fn check_turn(&self, shape: &Shape, input: Input, next: &Advance) {
        let say = || format!("{input:?}\nfrom {:#?}\nto {next:#?}", self.progress);
        if self.progress.direction == Direction::Backward {
            assert_eq!(
                next.progress.direction,
                Direction::Backward,
                "turned forward: {}",
                say()
            );
        }
        for send in &next.sends {
            let stage = shape.steps[send.step].stage;
            match send.leg {
                Leg::Action => {
                    assert_eq!(
                        next.progress.direction,
                        Direction::Forward,
                        "asked while compensating: {}",
                        say()
                    );
                }
                Leg::Undo => {
                    assert_eq!(
                        next.progress.direction,
                        Direction::Backward,
                        "undone while going on: {}",
                        say()
                    );
                    let later = shape
                        .steps
                        .iter()
                        .zip(&next.progress.steps)
                        .filter(|(step, _)| step.stage > stage);
                    let first_time = send.number == 1;
                    let in_order = later.into_iter().all(|(_, step)| step.state.is_undone());
                    assert!(in_order || !first_time, "undone before a later step: {}", say());
                }
            }
        }
        let ended = next.progress.status(shape).is_end();
        let waits = next.progress.steps.iter().any(|step| step.due_ms.is_some());
        let stuck = next.progress.status(shape) == Status::NeedsAttention;
        assert!(waits || ended || stuck, "waits for nothing: {}", say());
    }

    /// Everything sent was carried out, and every answer came.
    fn is_quiet(&self) -> bool {
        self.on_the_way.is_empty() && self.answers.is_empty()
    }
}

/// The echoes that are on their way.
fn echoes_out(progress: &Progress) -> Vec<Echo> {
    let steps = progress.steps.iter().enumerate();
    steps
        .filter(|(_, of_step)| matches!(of_step.way, Way::Asked { .. }))
        .map(|(step, of_step)| match of_step.state {
            State::Undoing => (step, Leg::Undo, of_step.undo.number),
            _ => (step, Leg::Action, of_step.action.number),
        })
        .map(|(step, leg, number)| Echo { step, leg, number })
        .collect()
}

fn key(sent: &Sent) -> (usize, bool, u32) {
    (sent.0, sent.1 == Leg::Undo, sent.2)
}

fn input_of(((step, leg, number), reply): (Sent, Reply)) -> Input {
    Input::Answer {
        step,
        leg,
        number,
        reply,
    }
}

/// All worlds that can come about.
fn explore(shape: &Shape, rules: Rules) -> HashSet<World> {
    let first = World::begin(shape, rules);
    let mut seen = HashSet::from([first.clone()]);
    let mut open = VecDeque::from([first]);
    while let Some(world) = open.pop_front() {
        for next in world.nexts(shape, rules) {
            if seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    seen
}

/// What must be so once nothing is under way any more.
fn check_ends(shape: &Shape, worlds: &HashSet<World>) {
    let mut ends = HashSet::new();
    for world in worlds.iter().filter(|world| world.is_quiet()) {
        let status = world.progress.status(shape);
        match status {
            Status::Completed => assert!(world.is_there.iter().all(|there| *there), "{world:#?}"),
            Status::Compensated => assert!(world.is_there.iter().all(|there| !there), "{world:#?}"),
            _ => continue,
        }
        ends.insert(status);
    }
    assert_eq!(ends, HashSet::from([Status::Completed, Status::Compensated]));
}

/// With nobody answering any more, deadlines and echoes alone bring every saga to an end or to a person.
fn check_none_hangs(shape: &Shape, worlds: &HashSet<World>) {
    for world in worlds {
        let mut progress = world.progress.clone();
        for _ in 0..100 {
            let status = progress.status(shape);
            let Some(by_ms) = progress.due_ms().filter(|_| status != Status::NeedsAttention) else {
                break;
            };
            progress = time_passes(shape, &progress, by_ms);
        }
        let status = progress.status(shape);
        assert!(status.is_end() || status == Status::NeedsAttention, "hangs: {world:#?}");
    }
}

/// A deadline is reached; echoes that are out are back.
fn time_passes(shape: &Shape, progress: &Progress, by_ms: i64) -> Progress {
    let input = match echoes_out(progress).first() {
        Some(echo) => Input::Echoed(*echo),
        None => Input::DeadlineReached { by_ms },
    };
    advance(shape, progress, input, now())
        .expect("it moves a saga")
        .progress
}

fn three_steps(attempts: u32) -> Shape {
    shape(
        &[(0, Role::Compensatable), (1, Role::Pivot), (2, Role::Retriable)],
        attempts,
    )
}

#[test]
fn with_every_answer_in_time_each_compensation_is_sent_once_per_step_that_succeeded() {
    let shape = three_steps(2);
    let worlds = explore(&shape, CALM);
    check_ends(&shape, &worlds);
    for world in &worlds {
        for (place, step) in world.progress.steps.iter().enumerate() {
            assert!(step.undo.number <= 1, "{world:#?}");
            let succeeded = world.came.contains(&((place, Leg::Action, 1), Reply::Succeeded));
            assert!(succeeded || step.undo.number == 0, "{world:#?}");
        }
    }
}

#[test]
fn whatever_comes_late_twice_or_out_of_order_what_was_done_is_all_there_or_all_gone_in_the_end() {
    let shape = three_steps(1);
    let rules = Rules {
        deadlines: true,
        numbers_max: 4,
        ..CALM
    };
    let worlds = explore(&shape, rules);
    check_ends(&shape, &worlds);
    check_none_hangs(&shape, &worlds);
}

#[test]
fn a_second_attempt_whose_first_shows_up_later_is_undone_with_it() {
    let shape = shape(&[(0, Role::Compensatable), (1, Role::Pivot)], 2);
    let rules = Rules {
        deadlines: true,
        copies: false,
        cancels: 0,
        numbers_max: 2,
        ..CALM
    };
    let worlds = explore(&shape, rules);
    check_ends(&shape, &worlds);
    check_none_hangs(&shape, &worlds);
}

#[test]
fn steps_side_by_side_are_all_undone_when_one_of_them_is_refused() {
    let shape = shape(
        &[(0, Role::Compensatable), (0, Role::Compensatable), (1, Role::Pivot)],
        1,
    );
    let rules = Rules {
        deadlines: true,
        copies: false,
        numbers_max: 2,
        ..CALM
    };
    let worlds = explore(&shape, rules);
    check_ends(&shape, &worlds);
    check_none_hangs(&shape, &worlds);
}

#[test]
fn a_compensation_that_keeps_being_refused_ends_with_a_person() {
    let shape = three_steps(1);
    let rules = Rules {
        deadlines: true,
        undo_refusals: true,
        numbers_max: 3,
        ..CALM
    };
    let worlds = explore(&shape, rules);
    check_ends(&shape, &worlds);
    check_none_hangs(&shape, &worlds);
    let stuck = |world: &&World| world.progress.status(&shape) == Status::NeedsAttention;
    let gave_up = |world: &World| world.progress.steps.iter().any(|step| step.state == State::UndoStuck);
    assert!(worlds.iter().filter(stuck).any(gave_up));
}

#[test]
fn a_person_can_bring_every_stuck_saga_to_an_end() {
    let shape = three_steps(1);
    let rules = Rules {
        deadlines: true,
        undo_refusals: true,
        copies: false,
        numbers_max: 2,
        ..CALM
    };
    let worlds = explore(&shape, rules);
    let stuck = worlds
        .iter()
        .filter(|world| world.progress.status(&shape) == Status::NeedsAttention);
    let mut seen = 0;
    for world in stuck {
        seen += 1;
        let resolved = advance(&shape, &world.progress, Input::Resolve, now()).expect("it is noted");
        assert_eq!(resolved.progress.status(&shape), Status::Resolved);
        assert_eq!(resolved.progress.due_ms(), None);
        let retried = advance(&shape, &world.progress, Input::Retry { step: None }, now()).expect("it is noted");
        assert!(!retried.sends.is_empty());
        let mut progress = world.progress.clone();
        for _ in 0..40 {
            progress = match (progress.status(&shape), progress.due_ms()) {
                (Status::NeedsAttention, _) => {
                    let skipped = advance(&shape, &progress, Input::Skip { step: None }, now());
                    skipped.expect("it moves").progress
                }
                (_, Some(by_ms)) => time_passes(&shape, &progress, by_ms),
                (_, None) => break,
            };
        }
        assert!(progress.status(&shape).is_end(), "{world:#?}");
    }
    assert!(seen > 0);
}
