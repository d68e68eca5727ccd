use std::fmt::Debug;

use crate::decider::Decider;

/// A test that reads as history: given what happened, when this is asked, then that happens.
pub struct Scenario<D: Decider> {
    state: D::State,
}

/// What came of a command.
pub struct Outcome<D: Decider> {
    state: D::State,
    decided: Result<Vec<D::Event>, D::Rejection>,
}

impl<D: Decider> Scenario<D> {
    /// After these events.
    #[must_use]
    pub fn given(events: impl IntoIterator<Item = D::Event>) -> Self {
        Self {
            state: events
                .into_iter()
                .fold(D::State::default(), |state, event| D::evolve(state, &event)),
        }
    }

    /// This is asked.
    #[must_use]
    pub fn when(self, command: &D::Command) -> Outcome<D> {
        let decided = D::decide(&self.state, command);
        Outcome {
            state: self.state,
            decided,
        }
    }
}

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// Exactly this happens; the scenario goes on after it.
    ///
    /// # Panics
    /// When something else does.
    #[allow(clippy::panic, reason = "this is an assertion")]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) -> Scenario<D> {
        let expected: Vec<D::Event> = expected.into_iter().collect();
        match self.decided {
            Ok(events) => assert_eq!(events, expected),
            Err(rejection) => panic!("rejected: {rejection:?}; expected {expected:?}"),
        }
        Scenario {
            state: expected.iter().fold(self.state, |state, event| D::evolve(state, event)),
        }
    }

    /// It is refused for this reason; the scenario goes on as if it had not been asked.
    ///
    /// # Panics
    /// When it is not, or for another reason.
    #[allow(clippy::panic, reason = "this is an assertion")]
    pub fn rejected(self, expected: D::Rejection) -> Scenario<D> {
        match self.decided {
            Ok(events) => panic!("not rejected: {events:?}; expected {expected:?}"),
            Err(rejection) => assert_eq!(rejection, expected),
        }
        Scenario { state: self.state }
    }
}
