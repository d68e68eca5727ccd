use onecommit_environment::{Timestamp, TimestampError};
use serde::{Deserialize, Serialize};

/// A moment as a context writes it, in RFC 3339: what is none makes an answer unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Moment(pub(crate) Timestamp);

impl TryFrom<String> for Moment {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        Timestamp::parse(&text).map(Self)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.0.to_string()
    }
}
