//! Users: who they are, and how they want to be reached.

mod messages;
mod user;

pub use messages::{
    ChangeUserPreferences, UserPreferencesChanged, UserPreferencesRefused, UserPreferencesUnchanged,
    UserProfileChanged, UserRegistered,
};
pub use user::{Channel, Contact, Preferences, Profile, User, UserChange, UserError, UserId};
