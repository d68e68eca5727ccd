use std::fmt;
use std::str::FromStr;

use onecommit_environment::Environment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::EventError;

/// The identity of an event: two messages with one id are one event, by whatever route they came.
///
/// New ids are UUIDv7, so they sort by time; any UUID is accepted from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// A new UUIDv7 id.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self(environment.ids().next())
    }

    /// The id of something that another system names by a text unique within `source`: the UUIDv5 of the two, so that
    /// every copy gets the same id. A text that is a UUID is no exception: what two sources number alike is two things.
    #[must_use]
    pub fn of_foreign(source: &str, text: &str) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, source.as_bytes());
        Self(Uuid::new_v5(&namespace, text.as_bytes()))
    }

    /// The UUID.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for EventId {
    type Err = EventError;

    fn from_str(text: &str) -> Result<Self, EventError> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| EventError::invalid("eventId", "it is not a UUID"))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}
