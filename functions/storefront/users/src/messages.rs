use std::collections::BTreeSet;

use onecommit_event::Payload;
use onecommit_sealing::{Field, Sealed};
use serde::{Deserialize, Serialize};

use crate::{Channel, Contact, Preferences, Profile};

/// A user came. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Who.
    pub user_id: String,
    /// What they told of themselves, sealed within the event.
    pub profile: Sealed<Profile>,
}

/// A user told something else. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfileChanged {
    /// Who.
    pub user_id: String,
    /// What they tell of themselves now, sealed within the event.
    pub profile: Sealed<Profile>,
}

/// A user wants to be reached in another way. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPreferencesChanged {
    /// Who.
    pub user_id: String,
    /// Where, sealed within the event.
    pub contact: Sealed<Contact>,
    /// How.
    pub channels: BTreeSet<Channel>,
}

/// The field of [`UserRegistered`] and [`UserProfileChanged`] that is sealed.
pub const PROFILE: Field = Field::named("User.profile");
/// The field of [`UserPreferencesChanged`] and [`ChangeUserPreferences`] that is sealed.
pub const CONTACT: Field = Field::named("User.contact");

/// Change how a user is reached. Answered by [`UserPreferencesChanged`], [`UserPreferencesUnchanged`] or
/// [`UserPreferencesRefused`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeUserPreferences {
    /// Who.
    pub user_id: String,
    /// How, and where, from now on.
    #[serde(flatten)]
    pub preferences: Preferences,
    /// Where, sealed within the command, in place of addresses in clear: a command waits in queues and may be parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Sealed<Contact>>,
}

/// The user was reached in this way already. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPreferencesUnchanged {
    /// Who.
    pub user_id: String,
}

/// The user cannot be reached in this way. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPreferencesRefused {
    /// Who.
    pub user_id: String,
    /// Why, for people.
    pub reason: String,
}

macro_rules! payload {
    ($($name:ident: $version:literal),* $(,)?) => {$(
        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
            const SCHEMA_VERSION: u32 = $version;
        }
    )*};
}

// In their first versions, the first three had the user's data in clear.
payload!(
    UserRegistered: 2,
    UserProfileChanged: 2,
    UserPreferencesChanged: 2,
    ChangeUserPreferences: 1,
    UserPreferencesUnchanged: 1,
    UserPreferencesRefused: 1,
);
