use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// The time, and waiting for it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump, also backwards.
    fn now(&self) -> Timestamp;

    /// A clock that only runs forward, for measuring how long something took.
    fn instant(&self) -> Instant;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the operating system"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(OffsetDateTime::now_utc())
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A moment in UTC, written `2026-11-22T07:00:00.000Z`.
///
/// ```
/// # use onecommit_environment::Timestamp;
/// let moment = Timestamp::parse("2026-11-22T08:00:00+01:00")?;
/// assert_eq!(moment.to_string(), "2026-11-22T07:00:00.000Z");
/// # Ok::<(), onecommit_environment::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

/// A text that is not an RFC 3339 moment between the years 0 and 9999.
///
/// It does not quote the text, which may be anything that somebody wrote into the wrong field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampError(());

impl fmt::Display for TimestampError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it is not an RFC 3339 time (for example 2026-11-22T07:00:00.000Z)")
    }
}

impl std::error::Error for TimestampError {}

const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const NANOSECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:9]Z");

impl Timestamp {
    /// Reads an RFC 3339 text with any offset.
    ///
    /// # Errors
    /// When the text is no such moment, or its year in UTC is not between 0 and 9999.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError(()))?;
        let utc = moment.checked_to_offset(UtcOffset::UTC).ok_or(TimestampError(()))?;
        if (0..=9999).contains(&utc.year()) {
            Ok(Self(utc))
        } else {
            Err(TimestampError(()))
        }
    }

    /// A moment given in milliseconds since 1970-01-01T00:00:00Z; out of range, the nearest that exists.
    #[must_use]
    pub fn from_unix_ms(milliseconds: i64) -> Self {
        let clamped = milliseconds.clamp(-62_167_219_200_000, 253_402_300_799_999);
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(clamped) * 1_000_000);
        Self(moment.unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        i64::try_from(self.0.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Seconds since 1970-01-01T00:00:00Z, as DynamoDB's time to live wants them.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        self.0.unix_timestamp()
    }

    /// This moment and `duration` more; at the end of time, the end of time.
    #[must_use]
    pub fn plus(&self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_ms(self.unix_ms().saturating_add(milliseconds))
    }

    /// How much later this moment is than `earlier`; zero when it is not later.
    #[must_use]
    pub fn since(&self, earlier: Self) -> Duration {
        Duration::try_from(self.0 - earlier.0).unwrap_or(Duration::ZERO)
    }
}

impl fmt::Display for Timestamp {
    /// Milliseconds, or nanoseconds where there is more to tell: what was read is never cut.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.nanosecond().is_multiple_of(1_000_000) {
            MILLISECONDS
        } else {
            NANOSECONDS
        };
        formatter.write_str(&self.0.format(format).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        let moment = Timestamp::parse("2026-11-22T08:00:00+01:00").unwrap();
        assert_eq!(moment.to_string(), "2026-11-22T07:00:00.000Z");
    }

    #[test]
    fn finer_fractions_survive_a_round_trip() {
        let text = "2026-11-22T07:00:00.123456789Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn texts_that_are_no_moment_are_refused_by_name() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-23:00"] {
            let error = Timestamp::parse(text).unwrap_err().to_string();
            assert!(error.contains("RFC 3339"), "{error}");
        }
    }

    #[test]
    fn out_of_range_milliseconds_are_clamped() {
        assert_eq!(
            Timestamp::from_unix_ms(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert!(Timestamp::from_unix_ms(i64::MIN).to_string().starts_with("0000-01-01"));
    }
}
