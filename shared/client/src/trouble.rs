use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use onecommit_json::JsonError;
use onecommit_resilience::{Classify, Failure, Stopped};

/// The error of something below: shared, because callers that wait for the same answer get the same error.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call has no answer. It quotes no value of the request or the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// The request is wrong, and was not sent: correct the named part.
    InvalidRequest(InvalidRequest),
    /// The caller's credentials could not be had; nothing was sent.
    Unidentified(Cause),
    /// No instance of the service is known and healthy; nothing was sent.
    NoInstance(Arc<str>),
    /// The circuit is open, a bulkhead full or a limit reached; nothing was sent.
    NotTried(Stopped),
    /// The request did not leave: name, connection or TLS failed. It may be sent again, whatever it is.
    NeverSent(Cause),
    /// The connection ended before the answer was there: the request may have taken effect.
    Broken(Cause),
    /// The time was over: the request may have taken effect.
    TimedOut(Duration),
    /// The answer came too slowly: nothing for this long.
    TooSlow(Duration),
    /// A part of the answer exceeds its limit.
    TooLarge {
        /// `body`, in bytes, or `headers`, in bytes.
        part: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The service answered with an error.
    Status(Refusal),
    /// The service answered with a redirect, which is not followed: the address in the settings is wrong.
    Redirected(StatusCode),
    /// The answer is not JSON by its content type, as with the page of a proxy in between.
    NotJson(StatusCode),
    /// The answer is not what its type expects: the field's path, what is expected, what was found.
    Drift(JsonError),
}

/// The part of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The path.
    #[error("the path {0}")]
    Path(&'static str),
    /// A header, by its name; its value is not quoted.
    #[error("the header {name} {problem}")]
    Header {
        /// Its name; cut when it is not a name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The body cannot be written as JSON.
    #[error("the body cannot be written as JSON")]
    Body,
}

/// An error status, with its body for callers that read it.
#[derive(Clone)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The least time to wait before another attempt, from `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body, within the limits.
    pub body: Bytes,
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Refusal")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Trouble {
    /// Whether the service is not working, rather than the request wrong: what a cached answer may stand in for.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::NoInstance(_)
            | Self::NotTried(_)
            | Self::NeverSent(_)
            | Self::Broken(_)
            | Self::TimedOut(_)
            | Self::TooSlow(_)
            | Self::TooLarge { .. }
            | Self::NotJson(_)
            | Self::Redirected(_) => true,
            Self::Status(refusal) => {
                refusal.status.is_server_error()
                    || matches!(
                        refusal.status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            Self::InvalidRequest(_) | Self::Unidentified(_) | Self::Drift(_) => false,
        }
    }

    /// The kind of trouble in a word, for spans.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::Unidentified(_) => "unidentified",
            Self::NoInstance(_) => "no_instance",
            Self::NotTried(_) => "not_tried",
            Self::NeverSent(_) => "never_sent",
            Self::Broken(_) => "broken",
            Self::TimedOut(_) => "timeout",
            Self::TooSlow(_) => "too_slow",
            Self::TooLarge { .. } => "too_large",
            Self::Status(_) => "status",
            Self::Redirected(_) => "redirected",
            Self::NotJson(_) => "not_json",
            Self::Drift(_) => "drift",
        }
    }

    /// The status that the service answered with.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(refusal) => Some(refusal.status),
            Self::Redirected(status) | Self::NotJson(status) => Some(*status),
            _ => None,
        }
    }

    /// Whether the request certainly did not take effect.
    #[must_use]
    pub fn was_never_sent(&self) -> bool {
        matches!(
            self,
            Self::InvalidRequest(_)
                | Self::Unidentified(_)
                | Self::NoInstance(_)
                | Self::NotTried(_)
                | Self::NeverSent(_)
        )
    }
}

impl Classify for Trouble {
    fn failure(&self) -> Failure {
        match self {
            Self::InvalidRequest(_) | Self::Redirected(_) => Failure::Refused,
            Self::NoInstance(_) | Self::Unidentified(_) => Failure::NotTried,
            Self::NotTried(stopped) => stopped.failure(),
            Self::NeverSent(_) => Failure::NeverSent,
            Self::Broken(_) => Failure::Reset,
            Self::TimedOut(_) | Self::TooSlow(_) => Failure::Timeout,
            Self::TooLarge { .. } | Self::NotJson(_) | Self::Drift(_) => Failure::Unreadable,
            Self::Status(refusal) => {
                let failure = Failure::of_http_status(refusal.status.as_u16(), refusal.retry_after);
                failure.unwrap_or(Failure::Unreadable)
            }
        }
    }
}

impl From<Stopped> for Trouble {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            // Whoever knows the limit of the whole call writes it in.
            Stopped::DeadlineExceeded => Self::TimedOut(Duration::ZERO),
            Stopped::AttemptTimedOut(limit) => Self::TimedOut(limit),
            not_tried => Self::NotTried(not_tried),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRequest(wrong) => write!(formatter, "the request was not sent: {wrong}"),
            Self::Unidentified(_) => formatter.write_str("the request was not sent: there are no credentials for it"),
            Self::NoInstance(service) => write!(formatter, "No healthy instances for {service}"),
            Self::NotTried(stopped) => write!(formatter, "the request was not sent: {stopped}"),
            Self::NeverSent(_) => formatter.write_str("the request was not sent: there is no connection"),
            Self::Broken(_) => formatter.write_str("the connection ended before the answer was complete"),
            Self::TimedOut(limit) => write!(formatter, "there was no answer within {} ms", limit.as_millis()),
            Self::TooSlow(limit) => write!(
                formatter,
                "the answer came too slowly: nothing for {} ms",
                limit.as_millis()
            ),
            Self::TooLarge { part, limit } => write!(formatter, "the answer's {part} exceeds {limit} bytes"),
            Self::Status(refusal) => write!(formatter, "the service answered {}", refusal.status.as_u16()),
            Self::Redirected(status) => write!(
                formatter,
                "the service answered with a redirect ({}), which is not followed; correct its address",
                status.as_u16()
            ),
            Self::NotJson(status) => write!(
                formatter,
                "the answer ({}) is not JSON by its content type",
                status.as_u16()
            ),
            Self::Drift(error) => write!(formatter, "the answer is not as expected: {error}"),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unidentified(cause) | Self::NeverSent(cause) | Self::Broken(cause) => Some(&**cause),
            _ => None,
        }
    }
}
