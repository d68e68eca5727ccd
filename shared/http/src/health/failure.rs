/// What a probe found out.
pub type ProbeResult = Result<(), ProbeFailure>;

/// Why a check failed: its kind and nothing more. Addresses, names of tables and words of others stay out of answers that
/// anybody may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbeFailure {
    /// No answer within a second.
    Timeout,
    /// No connection, or one that broke off.
    Unreachable,
    /// An answer that says that it does not work.
    AnsweredWithError,
    /// Too many requests.
    Throttled,
    /// Access is denied, or something does not exist. Time does not heal it.
    Misconfigured,
    /// The circuit is open: nothing was sent.
    CircuitOpen,
    /// The process is about to end.
    Draining,
    /// The probe itself panicked.
    Panicked,
}

impl ProbeFailure {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::AnsweredWithError => "answeredWithError",
            Self::Throttled => "throttled",
            Self::Misconfigured => "misconfigured",
            Self::CircuitOpen => "circuitOpen",
            Self::Draining => "draining",
            Self::Panicked => "panicked",
        }
    }
}
