use std::fmt;
use std::time::Duration;

/// What a failed call means, by what to do about it.
///
/// The caller's own error says it through [`Classify`]; retries, circuit breakers and hedges decide by nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The connection broke after the request was sent. The request may have taken effect.
    Reset,
    /// No answer in time. The request may have taken effect.
    Timeout,
    /// The request did not leave this process: no address, no connection. It took no effect.
    NeverSent,
    /// The downstream has too many requests (HTTP 429), and asked to be called again after this time at the earliest.
    Throttled(Option<Duration>),
    /// The downstream cannot serve for now (HTTP 500, 502, 503, 504), and asked for this time at the least.
    Unavailable(Option<Duration>),
    /// An answer that is none: it cannot be read, or breaks the contract. The same request would get the same answer.
    Unreadable,
    /// The downstream serves, and refuses this request (HTTP 4xx). The same request will be refused again.
    Refused,
    /// This process did not call: a circuit is open, a bulkhead full, a limit reached, or no time left.
    NotTried,
}

/// Whether a request may be sent again after it may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repetition {
    /// It may: it reads, replaces, or carries an idempotency key that is the same on every attempt.
    Safe,
    /// It may not; only a request that never left is sent again.
    OnlyIfNeverSent,
}

/// An error of a call that says what it means.
pub trait Classify {
    /// What this error means.
    fn failure(&self) -> Failure;
}

impl Failure {
    /// What an HTTP status means; `None` for one that is not an error. `retry_after` is what the answer asked for:
    /// [`crate::retry_after`] reads it.
    #[must_use]
    pub fn of_http_status(status: u16, retry_after: Option<Duration>) -> Option<Self> {
        match status {
            429 => Some(Self::Throttled(retry_after)),
            408 => Some(Self::Timeout),
            400..=499 => Some(Self::Refused),
            // Not implemented, HTTP version not supported: the same request will be refused again.
            501 | 505 => Some(Self::Refused),
            500..=599 => Some(Self::Unavailable(retry_after)),
            _ => None,
        }
    }

    /// Whether the same request is worth sending again.
    #[must_use]
    pub fn is_retryable(self, repetition: Repetition) -> bool {
        match self {
            Self::NeverSent => true,
            Self::Reset | Self::Timeout | Self::Throttled(_) | Self::Unavailable(_) => repetition == Repetition::Safe,
            Self::Unreadable | Self::Refused | Self::NotTried => false,
        }
    }

    /// The time that the downstream asked for. A request is never sent again before it.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Throttled(after) | Self::Unavailable(after) => after,
            _ => None,
        }
    }

    /// Whether it says that the downstream does not work, for a circuit breaker. A refused request says that it does; one
    /// that is throttled, that it is busy with others.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Reset | Self::Timeout | Self::NeverSent | Self::Unavailable(_) | Self::Unreadable
        )
    }
}

impl Failure {
    /// Whether another answer than the downstream's is called for: it does not work, is too busy, or was not asked.
    #[must_use]
    pub fn does_not_serve(self) -> bool {
        self.is_fault() || matches!(self, Self::NotTried | Self::Throttled(_))
    }
}

/// Why a layer of this crate ended a call, or did not start it. The caller's error is made of it (`From<Stopped>`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline over all attempts passed before there was an answer.
    DeadlineExceeded,
    /// One attempt took longer than its limit.
    AttemptTimedOut(Duration),
    /// The circuit of this name is open; the earliest time to try again.
    CircuitOpen(String, Duration),
    /// The bulkhead of this name has as many calls at work as it may.
    BulkheadFull(String),
    /// The rate limit is reached; the earliest time to try again.
    RateLimited(Duration),
    /// The request cannot be copied for another attempt.
    CannotRepeat,
}

impl Classify for Stopped {
    fn failure(&self) -> Failure {
        match self {
            Self::AttemptTimedOut(_) => Failure::Timeout,
            // There is no time for another attempt, but the downstream had its time and did not answer.
            Self::DeadlineExceeded => Failure::Timeout,
            Self::CircuitOpen(..) | Self::BulkheadFull(_) | Self::RateLimited(_) | Self::CannotRepeat => {
                Failure::NotTried
            }
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeadlineExceeded => formatter.write_str("no answer before the deadline of the call"),
            Self::AttemptTimedOut(limit) => write!(formatter, "no answer within {} ms", limit.as_millis()),
            Self::CircuitOpen(circuit, after) => write!(
                formatter,
                "the circuit {circuit} is open: the downstream failed before; try again in {} ms",
                after.as_millis()
            ),
            Self::BulkheadFull(bulkhead) => write!(
                formatter,
                "the bulkhead {bulkhead} is full: raise its limit, or call less at the same time"
            ),
            Self::CannotRepeat => formatter.write_str("the request cannot be copied for another attempt"),
            Self::RateLimited(after) => {
                write!(
                    formatter,
                    "the rate limit is reached; try again in {} ms",
                    after.as_millis()
                )
            }
        }
    }
}

impl std::error::Error for Stopped {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_classified_by_what_to_do() {
        let after = Some(Duration::from_secs(7));
        for (status, failure) in [
            (200, None),
            (304, None),
            (400, Some(Failure::Refused)),
            (404, Some(Failure::Refused)),
            (408, Some(Failure::Timeout)),
            (429, Some(Failure::Throttled(after))),
            (500, Some(Failure::Unavailable(after))),
            (501, Some(Failure::Refused)),
            (503, Some(Failure::Unavailable(after))),
            (599, Some(Failure::Unavailable(after))),
        ] {
            assert_eq!(Failure::of_http_status(status, after), failure, "{status}");
        }
    }

    #[test]
    fn what_may_have_taken_effect_is_repeated_only_if_that_is_safe() {
        let may_have = [
            Failure::Reset,
            Failure::Timeout,
            Failure::Unavailable(None),
            Failure::Throttled(None),
        ];
        for failure in may_have {
            assert!(failure.is_retryable(Repetition::Safe), "{failure:?}");
            assert!(!failure.is_retryable(Repetition::OnlyIfNeverSent), "{failure:?}");
        }
        assert!(Failure::NeverSent.is_retryable(Repetition::OnlyIfNeverSent));
        for failure in [Failure::Refused, Failure::Unreadable, Failure::NotTried] {
            assert!(!failure.is_retryable(Repetition::Safe), "{failure:?}");
        }
    }

    #[test]
    fn neither_a_refusal_nor_throttling_is_a_fault() {
        for failure in [Failure::Refused, Failure::Throttled(None), Failure::NotTried] {
            assert!(!failure.is_fault(), "{failure:?}");
        }
        assert!(Failure::Unavailable(None).is_fault() && Failure::Timeout.is_fault());
    }
}
