use std::time::Duration;

use onecommit_engine::Backoff;

/// The steps of a definition without what they say to others.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) steps: Vec<StepShape>,
}

#[derive(Clone, Debug)]
pub(crate) struct StepShape {
    pub(crate) name: String,
    /// Steps of one stage run side by side; a stage begins when the one before has ended.
    pub(crate) stage: usize,
    pub(crate) role: Role,
    pub(crate) action: AttemptPolicy,
    /// What takes the step back. Every step before and at the pivot has it.
    pub(crate) undo: Option<AttemptPolicy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Compensatable,
    Pivot,
    Retriable,
}

/// How something is asked for, and how patiently.
#[derive(Clone, Debug)]
pub(crate) struct AttemptPolicy {
    pub(crate) mode: Mode,
    /// Until an answer is given up.
    pub(crate) within: Duration,
    pub(crate) attempts: u32,
    /// Whether a step before or at the pivot is given up when no attempt was answered.
    pub(crate) gives_up: bool,
    /// Between a refusal and the next attempt.
    pub(crate) pause: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A command whose answer is an event.
    Command,
    /// A command that nobody answers: it is done when it has left.
    Unanswered,
    /// A call that the orchestrator makes itself.
    Call,
}

impl Shape {
    pub(crate) fn stages(&self) -> usize {
        self.steps.last().map_or(0, |step| step.stage + 1)
    }

    pub(crate) fn of_stage(&self, stage: usize) -> impl Iterator<Item = usize> {
        self.steps
            .iter()
            .enumerate()
            .filter(move |(_, step)| step.stage == stage)
            .map(|(place, _)| place)
    }
}

impl AttemptPolicy {
    /// The wait after so many attempts were refused. Without jitter, so that a transition depends on its input alone.
    pub(crate) fn pause_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.pause.first.saturating_mul(1 << doublings).min(self.pause.longest)
    }

    /// How long the answer to an attempt is waited for. Those beyond the policy come ever more slowly.
    pub(crate) fn wait_of(&self, attempt: u32) -> Duration {
        match attempt.checked_sub(self.attempts) {
            None | Some(0) => self.within,
            Some(beyond) => self.within.max(self.pause_after(beyond)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> AttemptPolicy {
        AttemptPolicy {
            mode: Mode::Command,
            within: 30 * SECOND,
            attempts: 3,
            gives_up: true,
            pause: Backoff {
                first: 10 * SECOND,
                longest: 300 * SECOND,
            },
        }
    }

    #[test]
    fn pauses_double_with_each_refusal_up_to_the_longest() {
        let pauses = [0, 1, 2, 3, 6, 99].map(|attempts| policy().pause_after(attempts));
        assert_eq!(pauses, [10, 10, 20, 40, 300, 300].map(|seconds| seconds * SECOND));
    }

    #[test]
    fn only_attempts_beyond_the_policy_wait_longer() {
        let waits = [0, 1, 3, 4, 5, 6, 7, 99].map(|attempt| policy().wait_of(attempt));
        assert_eq!(waits, [30, 30, 30, 30, 30, 40, 80, 300].map(|seconds| seconds * SECOND));
    }
}
