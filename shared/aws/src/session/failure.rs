//! Requests that failed, in words that quote nothing of what was sent.
//!
//! A service's message may quote the request ("Invalid parameter: PhoneNumber Reason: +49... is not valid"), and the
//! SDK's `Debug` holds the whole answer. What goes into errors, logs and parked reasons is therefore the service's code
//! and the request's id, with which AWS's support and CloudTrail find the rest. The message is added only for codes that
//! are about who asks or what is deployed.

use std::error::Error;
use std::fmt::{self, Debug, Formatter};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The longest message of a service that is shown, in bytes.
const MESSAGE_BYTES_MAX: usize = 400;

/// What is known of a request that failed.
#[derive(Clone, Debug)]
pub struct RequestFailure {
    /// The service's code for it, when the service answered.
    pub code: Option<String>,
    /// Whether the request could not even be made: it never left, and never will.
    pub never_sent: bool,
    /// All of it in words that may be logged.
    pub description: String,
    message: Message,
}

/// A service's own words, which may quote what was sent; so it has no `Display`, and its `Debug` is empty.
#[derive(Clone, Default)]
struct Message(String);

impl Debug for Message {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("..")
    }
}

impl<E, R> From<SdkError<E, R>> for RequestFailure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self {
            code: error.code().map(str::to_owned),
            never_sent: matches!(error, SdkError::ConstructionFailure(_)),
            description: describe(&error),
            message: Message(error.message().unwrap_or_default().to_owned()),
        }
    }
}

impl RequestFailure {
    /// A request that was answered with this code, or not at all.
    #[must_use]
    pub fn of(code: Option<&str>) -> Self {
        Self {
            code: code.map(str::to_owned),
            never_sent: false,
            description: code.unwrap_or("there was no answer").to_owned(),
            message: Message::default(),
        }
    }

    /// A request that could not be made.
    #[must_use]
    pub fn never_sent() -> Self {
        Self {
            never_sent: true,
            description: NEVER_SENT.to_owned(),
            ..Self::of(None)
        }
    }

    /// Whether the same request may succeed later, by the codes for which `is_transient` says so; a request that got no
    /// answer may.
    #[must_use]
    pub fn may_pass(&self, is_transient: impl Fn(&str) -> bool) -> bool {
        self.code.as_deref().map_or(!self.never_sent, is_transient)
    }

    /// Whether the service's message names this parameter or resource.
    #[must_use]
    pub fn names(&self, word: &str) -> bool {
        self.message.0.contains(word)
    }

    /// The failure without the service's message, also where it is shown otherwise: for requests whose resource is a
    /// person's address, which a denial names.
    #[must_use]
    pub fn code_only(&self) -> String {
        self.code.clone().unwrap_or_else(|| self.description.clone())
    }
}

const NEVER_SENT: &str = "the request could not be built from its input";

/// A failed request in words that quote nothing of it.
pub fn describe<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug,
{
    match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            let described = describe_answer(meta.code(), meta.message());
            match meta.extra("aws_request_id") {
                Some(id) => format!("{described} (request {id})"),
                None => described,
            }
        }
        SdkError::ConstructionFailure(_) => NEVER_SENT.to_owned(),
        SdkError::ResponseError(_) => "the service's answer cannot be read".to_owned(),
        // Of the connection: names of hosts and of what is wrong with them.
        other => with_causes(other),
    }
}

/// A service's code, with its message where that is about who asks or what is deployed.
#[must_use]
pub fn describe_answer(code: Option<&str>, message: Option<&str>) -> String {
    let code = code.unwrap_or("no code");
    match message.filter(|message| !message.is_empty() && is_of_deployment(code)) {
        Some(message) => format!("{code}: {}", &message[..message.floor_char_boundary(MESSAGE_BYTES_MAX)]),
        None => code.to_owned(),
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_in_words = cause.to_string();
        if !words.contains(&cause_in_words) {
            words.push_str(": ");
            words.push_str(&cause_in_words);
        }
        source = cause.source();
    }
    words
}

/// Whether a code is about something that somebody has to deploy or allow, whatever the request's content.
fn is_of_deployment(code: &str) -> bool {
    const PARTS: [&str; 6] = [
        "DoesNotExist",
        "NoSuchBucket",
        "NonExistentQueue",
        "ResourceNotFound",
        "RequestTimeTooSkewed",
        "Throttl",
    ];
    denies(code) || PARTS.iter().any(|part| code.contains(part))
}

/// Whether an error code is about who asks, or whether they may, in any of the services: the same request succeeds once
/// somebody changes that, and no other request succeeds before.
#[must_use]
pub fn denies(code: &str) -> bool {
    const CODES: [&str; 12] = [
        "AccessDenied",
        "AuthorizationError",
        "ExpiredToken",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignature",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
    ];
    CODES.iter().any(|known| code.starts_with(known))
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[derive(Debug)]
    struct Refusal(ErrorMetadata);

    impl fmt::Display for Refusal {
        fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
            write!(formatter, "{}", self.0)
        }
    }

    impl Error for Refusal {}

    impl ProvideErrorMetadata for Refusal {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn answered(code: &str, message: &str) -> RequestFailure {
        let meta = ErrorMetadata::builder().code(code).message(message);
        let meta = meta.custom("aws_request_id", "r-1").build();
        SdkError::service_error(Refusal(meta), "the raw answer with 4111111111111111").into()
    }

    #[test]
    fn what_a_service_quotes_of_a_request_is_not_repeated() {
        let failure = answered("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +4930123456");
        assert_eq!(failure.description, "InvalidParameter (request r-1)");
        assert!(failure.names("PhoneNumber"));
        let debug = format!("{failure:?}");
        assert!(
            !debug.contains("4930123456") && !debug.contains("4111111111111111"),
            "{debug}"
        );
    }

    #[test]
    fn a_request_that_was_never_made_quotes_nothing_of_it() {
        let error = SdkError::<Refusal, &str>::construction_failure("a header of ada@example.com");
        let failure = RequestFailure::from(error);
        assert!(
            failure.never_sent && !failure.description.contains("ada@"),
            "{failure:?}"
        );
    }

    #[test]
    fn what_is_missing_or_denied_is_named() {
        let failure = answered(
            "AccessDenied",
            "arn:aws:iam::1:role/relay may not sns:Publish on arn:aws:sns:::t",
        );
        assert!(
            failure.description.starts_with("AccessDenied: arn:aws:iam"),
            "{failure:?}"
        );
        assert_eq!(failure.code_only(), "AccessDenied");
    }
}
