use std::fmt;
use std::time::Duration;

/// The window that a limit is kept over slides in so many steps, so a limit is kept over every period, not only from one
/// full minute to the next.
pub(crate) const STEPS: u64 = 20;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A lease ends after this time at the latest, whatever the period.
const LEASE_MAX: Duration = Duration::from_secs(1);

/// So many calls in a period, over all processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    calls: u64,
    per: Duration,
}

/// A limit that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitFault {
    /// More calls than are counted exactly.
    TooManyCalls(u64),
    /// A period that is shorter than 100 ms or longer than a day.
    Period(Duration),
}

/// What comes of asking for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The call may be made.
    Admitted,
    /// The limit is reached. No call is worth asking for before this time.
    Limited(Duration),
}

impl RateLimit {
    /// `calls` in every `per`, from 100 ms to a day. No calls at all is a limit, too.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn new(calls: u64, per: Duration) -> Result<Self, RateLimitFault> {
        if calls > 1_000_000_000_000 {
            return Err(RateLimitFault::TooManyCalls(calls));
        }
        if per < SHORTEST || per > LONGEST {
            return Err(RateLimitFault::Period(per));
        }
        Ok(Self { calls, per })
    }

    /// `calls` in every minute.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn per_minute(calls: u64) -> Result<Self, RateLimitFault> {
        Self::new(calls, Duration::from_secs(60))
    }

    /// The calls in a period.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The period.
    #[must_use]
    pub fn per(&self) -> Duration {
        self.per
    }

    /// The most tokens of one lease: a tenth of the limit.
    pub(crate) fn lease_max(&self) -> u64 {
        (self.calls / 10).max(1).min(self.calls)
    }

    /// How long leased tokens may be spent: a tenth of the period, 1 s at most.
    pub(crate) fn lease_time(&self) -> Duration {
        (self.per / 10).min(LEASE_MAX)
    }

    /// One step of the sliding window.
    pub(crate) fn step(&self) -> Duration {
        self.per / STEPS as u32
    }
}

impl fmt::Display for RateLimitFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCalls(calls) => {
                write!(formatter, "a limit of {calls} calls; at most 1000000000000 are counted")
            }
            Self::Period(per) => write!(
                formatter,
                "a limit over {} ms; a period is between 100 ms and 86400000 ms",
                per.as_millis()
            ),
        }
    }
}

impl std::error::Error for RateLimitFault {}
