use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use onecommit_client::{Cause, Stopped};
use onecommit_resilience::{Classify, Failure};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::codes::failure_of;

/// A call without an answer: which service, after how many attempts, and why.
#[derive(Clone, Debug)]
pub struct GrpcError {
    service: Arc<str>,
    attempts: u32,
    trouble: GrpcTrouble,
}

/// Why a call has no answer. What it displays quotes no value of the request or the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GrpcTrouble {
    /// The caller's credentials could not be had; nothing was sent.
    Unidentified(Cause),
    /// The circuit is open, a bulkhead full or a limit reached; nothing was sent.
    NotTried(Stopped),
    /// The request did not leave: name, connection or TLS failed. It may be sent again, whatever it is.
    NeverSent(Cause),
    /// The connection or the stream ended before the answer was there: the request may have taken effect.
    Broken(Cause),
    /// The time was over: the request may have taken effect.
    TimedOut(Duration),
    /// The answer is not gRPC by its content type, as with the page of a proxy in between.
    NotGrpc(StatusCode),
    /// The answer is not one that this client reads: not of the expected messages, or too large.
    Unreadable,
    /// The service answered with an error.
    Refused(GrpcRefusal),
}

/// An error that a service answered with.
#[derive(Clone)]
pub struct GrpcRefusal {
    code: Code,
    message: String,
    reason: Option<String>,
    retry_after: Option<Duration>,
}

impl GrpcRefusal {
    pub(crate) fn of(status: &Status) -> Self {
        // Details are of the other side, and need not be readable.
        let details = status.check_error_details().unwrap_or_default();
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            reason: details.error_info().map(|info| info.reason.clone()),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The service's words. They may quote what was asked, so they are not part of what errors display.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The code for programs, from `google.rpc.ErrorInfo`.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The least time to wait before another attempt, from `google.rpc.RetryInfo`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Debug for GrpcRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GrpcRefusal")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl GrpcError {
    pub(crate) fn new(service: Arc<str>, attempts: u32, trouble: GrpcTrouble) -> Self {
        Self {
            service,
            attempts,
            trouble,
        }
    }

    /// The service's name, as the client has it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// How many requests were sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why there is no answer.
    #[must_use]
    pub fn trouble(&self) -> &GrpcTrouble {
        &self.trouble
    }

    /// The code that the service answered with, if it did.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match &self.trouble {
            GrpcTrouble::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.trouble.failure().does_not_serve()
    }
}

impl GrpcTrouble {
    /// The kind of trouble in a word, for spans.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unidentified(_) => "unidentified",
            Self::NotTried(_) => "not_tried",
            Self::NeverSent(_) => "never_sent",
            Self::Broken(_) => "broken",
            Self::TimedOut(_) => "timeout",
            Self::NotGrpc(_) => "not_grpc",
            Self::Unreadable => "unreadable",
            Self::Refused(_) => "status",
        }
    }
}

impl Classify for GrpcTrouble {
    fn failure(&self) -> Failure {
        match self {
            Self::Unidentified(_) => Failure::NotTried,
            Self::NotTried(stopped) => stopped.failure(),
            Self::NeverSent(_) => Failure::NeverSent,
            Self::Broken(_) => Failure::Reset,
            Self::TimedOut(_) => Failure::Timeout,
            Self::NotGrpc(_) | Self::Unreadable => Failure::Unreadable,
            Self::Refused(refusal) => failure_of(refusal.code, refusal.retry_after).unwrap_or(Failure::Unreadable),
        }
    }
}

impl From<Stopped> for GrpcTrouble {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            // Whoever knows the limit of the whole call writes it in.
            Stopped::DeadlineExceeded => Self::TimedOut(Duration::ZERO),
            Stopped::AttemptTimedOut(limit) => Self::TimedOut(limit),
            not_tried => Self::NotTried(not_tried),
        }
    }
}

impl fmt::Display for GrpcTrouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unidentified(_) => formatter.write_str("the request was not sent: there are no credentials for it"),
            Self::NotTried(stopped) => write!(formatter, "the request was not sent: {stopped}"),
            Self::NeverSent(_) => formatter.write_str("the request was not sent: there is no connection"),
            Self::Broken(_) => formatter.write_str("the call ended before the answer was complete"),
            Self::TimedOut(limit) => write!(formatter, "there was no answer within {} ms", limit.as_millis()),
            Self::NotGrpc(status) => write!(
                formatter,
                "the answer ({}) is not gRPC by its content type; correct the service's address",
                status.as_u16()
            ),
            Self::Unreadable => formatter.write_str("the answer is not of the expected messages, or is too large"),
            Self::Refused(refusal) => write!(formatter, "the service answered {:?}", refusal.code),
        }
    }
}

impl std::error::Error for GrpcTrouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unidentified(cause) | Self::NeverSent(cause) | Self::Broken(cause) => Some(&**cause),
            _ => None,
        }
    }
}

impl fmt::Display for GrpcError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.service, self.trouble)?;
        match self.attempts {
            0 => Ok(()),
            1 => formatter.write_str(" (attempt 1)"),
            last => write!(formatter, " (attempt {last}, the last)"),
        }
    }
}

impl std::error::Error for GrpcError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.trouble)
    }
}
