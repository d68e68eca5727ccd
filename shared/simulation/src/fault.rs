use std::fmt;

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Its sender ends before it leaves.
    CrashBefore,
    /// It is carried out, and its sender ends before the answer.
    CrashAfter,
    /// Its sender ends, and it is carried out some time later.
    CrashInFlight,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// Its sender hears that it failed, and it is carried out some time later.
    Late,
    /// Too many requests: it is not carried out.
    Throttled,
    /// Another transaction holds one of its rows: it is not carried out.
    Conflict,
    /// It never arrives, and its sender learns so.
    Unreachable,
    /// It takes longer than the next time limit.
    Slow,
    /// What it carries arrives twice.
    Doubled,
    /// The other side takes a part of the batch only.
    Partial,
    /// A stream goes back to records that were handled before.
    Replayed,
    /// A stream has forgotten its oldest record, as DynamoDB's does after 24 hours.
    Trimmed,
    /// An index has not caught up with the last write: its reads are eventually consistent.
    Behind,
    /// The wall clock of its sender jumps 5 min ahead of the right time.
    ClockAhead,
    /// The wall clock of its sender jumps 5 min behind the right time.
    ClockBehind,
}

impl Fault {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashInFlight,
        Self::AnswerLost,
        Self::Late,
        Self::Throttled,
        Self::Conflict,
        Self::Unreachable,
        Self::Slow,
        Self::Doubled,
        Self::Partial,
        Self::Replayed,
        Self::Trimmed,
        Self::Behind,
        Self::ClockAhead,
        Self::ClockBehind,
    ];
    /// All but clocks that are wrong.
    pub const WITH_RIGHT_CLOCKS: &[Self] = Self::ALL.split_at(14).0;
    /// Those that end a process.
    pub const CRASHES: &[Self] = &[Self::CrashBefore, Self::CrashAfter, Self::CrashInFlight];

    /// How a schedule names it, from 1.
    pub(crate) fn code(self) -> u16 {
        self as u16 + 1
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CrashBefore => "crash before the request",
            Self::CrashAfter => "crash after it was carried out, before the answer",
            Self::CrashInFlight => "crash while the request is on its way; it arrives later",
            Self::AnswerLost => "carried out, answer lost",
            Self::Late => "no answer; carried out later",
            Self::Throttled => "throttled",
            Self::Conflict => "transaction conflict",
            Self::Unreachable => "did not arrive",
            Self::Slow => "slower than a time limit",
            Self::Doubled => "delivered twice",
            Self::Partial => "taken in part",
            Self::Replayed => "stream replayed",
            Self::Trimmed => "the stream forgot a record",
            Self::Behind => "the index lags behind",
            Self::ClockAhead => "clock jumps 5 min ahead",
            Self::ClockBehind => "clock jumps 5 min behind",
        })
    }
}
