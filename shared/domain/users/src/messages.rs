use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

use crate::user::{Preferences, Profile};

/// A user came. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Who.
    pub user_id: String,
    /// What they told of themselves.
    #[serde(flatten)]
    pub profile: Profile,
}

/// A user told something else. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfileChanged {
    /// Who.
    pub user_id: String,
    /// What they tell of themselves now.
    #[serde(flatten)]
    pub profile: Profile,
}

/// A user wants to be reached in another way. The event's aggregate is the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPreferencesChanged {
    /// Who.
    pub user_id: String,
    /// How, and where.
    #[serde(flatten)]
    pub preferences: Preferences,
}

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
    ($($name:ident),*) => {$(
        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

payload!(
    UserRegistered,
    UserProfileChanged,
    UserPreferencesChanged,
    ChangeUserPreferences,
    UserPreferencesUnchanged,
    UserPreferencesRefused
);
