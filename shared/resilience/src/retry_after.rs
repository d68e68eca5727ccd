use std::time::{Duration, SystemTime, UNIX_EPOCH};

use onecommit_environment::Timestamp;

/// The longest time that is believed: whoever asks for more means "not today".
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads the header `Retry-After` (RFC 9110, section 10.2.3): seconds, or an HTTP date, which is compared with `now`.
///
/// A date that has passed is zero. `None` when the text is neither, as if there were no header. More than a day is a day.
#[must_use]
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let text = header.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that fit no number are more than a day all the same.
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.unix_ms()).ok()?);
    Some(later_by(date, now).min(LONGEST))
}

fn later_by(date: SystemTime, now: SystemTime) -> Duration {
    date.duration_since(now).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Duration> {
        retry_after(header, Timestamp::parse("2026-11-22T07:00:00Z").unwrap())
    }

    #[test]
    fn seconds_and_all_forms_of_http_dates_are_read() {
        let minute = Some(Duration::from_secs(60));
        for header in [
            "60",
            " 60 ",
            "Sun, 22 Nov 2026 07:01:00 GMT",
            "Sunday, 22-Nov-26 07:01:00 GMT",
            "Sun Nov 22 07:01:00 2026",
        ] {
            assert_eq!(read(header), minute, "{header}");
        }
        assert_eq!(read("0"), Some(Duration::ZERO));
    }

    #[test]
    fn a_date_that_has_passed_is_zero() {
        assert_eq!(read("Sun, 22 Nov 2026 06:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn more_than_a_day_is_a_day() {
        for header in ["86401", "99999999999999999999999999", "Sun, 22 Nov 2099 07:00:00 GMT"] {
            assert_eq!(read(header), Some(LONGEST), "{header}");
        }
    }

    #[test]
    fn what_is_neither_is_as_if_absent() {
        for header in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "soon",
            "٣",
            "1, 2",
            "60s",
            "0x10",
            "2026-11-22T07:01:00Z",
            "Sun, 32 Nov 2026 07:01:00 GMT",
            "\u{0}",
        ] {
            assert_eq!(read(header), None, "{header:?}");
        }
    }
}
