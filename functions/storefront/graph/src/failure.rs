use async_graphql::{Context, Error, ErrorExtensions};
use storefront_viewer::Viewer;
use tracing::{error, warn};

/// Why a field has no value. The words and the code are for callers; the cause is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is for people who are signed in.
    NotSignedIn,
    /// It is another person's.
    AnotherPerson,
    /// An argument is not one.
    Input(&'static str),
    /// A table does not answer.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl Failure {
    /// A table that does not answer, which is logged here.
    pub(crate) fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        warn!(error, "a subgraph cannot read its tables");
        Self::Unavailable
    }

    /// A fault of ours, which is logged here.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        error!(error, "a subgraph cannot read its rows");
        Self::Internal
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotSignedIn => (
                crate::served::UNAUTHENTICATED,
                "this is answered to people who are signed in",
            ),
            Self::AnotherPerson => ("FORBIDDEN", "this is answered to the person alone whose it is"),
            Self::Input(message) => ("BAD_USER_INPUT", message),
            Self::Unavailable => (crate::served::UNAVAILABLE, "this cannot be read now; ask again"),
            Self::Internal => ("INTERNAL", "this cannot be read; the log has the reason"),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (code, message) = failure.words();
        Self::new(message).extend_with(|_, extensions| extensions.set("code", code))
    }
}

/// What a field shows: nothing, or an error that leaves its place null and nothing else. (A plain `Result` leaves all of the
/// request null.)
pub(crate) type Found<T> = Option<Result<T, Error>>;

/// Who asks; nobody is refused.
pub(crate) fn viewer<'a>(context: &Context<'a>) -> Result<&'a Viewer, Failure> {
    context.data_opt::<Viewer>().ok_or(Failure::NotSignedIn)
}

/// Whether it is the viewer who asks for what is this person's; others are refused.
pub(crate) fn own(context: &Context<'_>, user_id: &str) -> Result<(), Failure> {
    match viewer(context)?.user_id() == user_id {
        true => Ok(()),
        false => Err(Failure::AnotherPerson),
    }
}
