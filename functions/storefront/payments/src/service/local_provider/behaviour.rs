use serde::{Deserialize, Serialize};

/// How the local provider treats a payment that it has not heard of. Asked again for one that it knows, it says what
/// became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Behaviour {
    /// Takes the money.
    #[default]
    Approve,
    /// Takes none, for good.
    Decline,
    /// Takes the money, and does not answer.
    TimeOut,
    /// Takes the money, does not answer, and tells later of its own accord: twice.
    TimeOutThenAnswerTwice,
    /// Does nothing and does not answer, however often it is asked.
    Unreachable,
}

impl Behaviour {
    const ALL: [Self; 5] = [
        Self::Approve,
        Self::Decline,
        Self::TimeOut,
        Self::TimeOutThenAnswerTwice,
        Self::Unreachable,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::TimeOut => "timeOut",
            Self::TimeOutThenAnswerTwice => "timeOutThenAnswerTwice",
            Self::Unreachable => "unreachable",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| behaviour.word() == word)
    }
}
