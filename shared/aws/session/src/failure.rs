use std::error::Error;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What is known of a request that failed.
#[derive(Clone, Debug)]
pub struct RequestFailure {
    /// The service's code for it, when the service answered.
    pub code: Option<String>,
    /// Whether the request could not even be made: it never left, and never will.
    pub never_sent: bool,
    /// All of it in words. The SDK's own `Display` is only "service error"; what happened stands in its sources.
    pub description: String,
}

impl<E, R> From<SdkError<E, R>> for RequestFailure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self {
            code: error.code().map(str::to_owned),
            never_sent: matches!(error, SdkError::ConstructionFailure(_)),
            description: DisplayErrorContext(error).to_string(),
        }
    }
}

impl RequestFailure {
    /// Whether the same request may succeed later, by the codes for which `is_transient` says so; a request that got no
    /// answer may.
    #[must_use]
    pub fn may_pass(&self, is_transient: impl Fn(&str) -> bool) -> bool {
        self.code.as_deref().map_or(!self.never_sent, is_transient)
    }
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
