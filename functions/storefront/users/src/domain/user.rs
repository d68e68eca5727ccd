use std::collections::BTreeSet;
use std::fmt;

use onecommit_event::{Aggregate, EventError};
use onecommit_sealing::{InvalidSubject, Subject};
use serde::{Deserialize, Serialize};

/// The longest user id, in bytes.
const ID_BYTES_MAX: usize = 128;
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const EMAIL_BYTES_MAX: usize = 254;
/// The longest endpoint of an app, in bytes.
const ENDPOINT_BYTES_MAX: usize = 2048;
/// The longest address of a picture, in bytes.
const AVATAR_BYTES_MAX: usize = 2048;

/// Whose. An id that exists is valid: 1 to 128 bytes, letters, digits, `-`, `_`, `.`, `:` and `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(String);

/// What users tell of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// What to call them.
    pub display_name: String,
    /// The language they read, for example `de-DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The https address of their picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// A way to reach a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// A message in an app.
    Push,
}

/// How a user wants to be reached, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preferences {
    /// Where.
    #[serde(flatten)]
    pub contact: Contact,
    /// How. Each channel needs its address. It has to be said: what is left out, or written wrongly, must not mean none.
    pub channels: BTreeSet<Channel>,
}

/// Where a user is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The phone number, as E.164 has it: `+` and 8 to 15 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The endpoint an app is registered under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_endpoint: Option<String>,
}

/// A user, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Nothing until they register.
    pub profile: Option<Profile>,
    /// How they want to be reached; at first, not at all.
    pub preferences: Preferences,
}

/// All that is known of a user as a person: what is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Personal {
    /// What they told of themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Where they are reached.
    #[serde(default)]
    pub contact: Contact,
}

/// What happened to a user, and the user after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The user from now on.
    pub user: User,
    /// What happened.
    pub fact: UserFact,
}

/// What happened to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserFact {
    /// They came.
    Registered,
    /// They tell something else of themselves.
    ProfileChanged,
    /// They want to be reached in another way.
    PreferencesChanged,
}

/// Why something about a user cannot be so. None of these quotes what was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The id is none.
    #[error("it is not a user id: 1 to {ID_BYTES_MAX} letters, digits, or one of -_.:@")]
    Id,
    /// The name is empty, too long, or holds a control character.
    #[error("the display name must have 1 to {NAME_BYTES_MAX} bytes and no control characters")]
    Name,
    /// The language is none.
    #[error("it is not a locale (for example de-DE)")]
    Locale,
    /// The address of the picture is none.
    #[error(
        "the avatar must be an https URL of at most {AVATAR_BYTES_MAX} bytes (for example https://example.com/ada.png)"
    )]
    Avatar,
    /// The address is none.
    #[error("it is not an e-mail address (for example ada@example.com)")]
    Email,
    /// The number is none.
    #[error("it is not a phone number (for example +4930123456): a plus sign and 8 to 15 digits")]
    Phone,
    /// The endpoint is none.
    #[error("the push endpoint must have 1 to {ENDPOINT_BYTES_MAX} bytes and no white space")]
    PushEndpoint,
    /// A channel leads nowhere.
    #[error("the channel {0} is selected, but there is no {1} for it")]
    NoAddress(&'static str, &'static str),
    /// Nobody of this id registered.
    #[error("there is no such user; register with PUT /users/{{userId}} first")]
    Unknown,
}

impl UserId {
    /// An id.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(id: impl Into<String>) -> Result<Self, UserError> {
        let id = id.into();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@".contains(&byte);
        if (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_allowed) {
            Ok(Self(id))
        } else {
            Err(UserError::Id)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose key the user's data is sealed with. It stays readable after the user is forgotten, as the id does: an id that is
    /// an e-mail address says who it was.
    ///
    /// # Errors
    /// Never for an id that exists.
    pub fn subject(&self) -> Result<Subject, InvalidSubject> {
        Subject::new(format!("User#{}", self.0))
    }

    /// The stream of the user's events.
    ///
    /// # Errors
    /// Never for an id that exists.
    pub fn stream(&self) -> Result<Aggregate, EventError> {
        Aggregate::new("User", &self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Profile {
    fn check(&self) -> Result<(), UserError> {
        let name = &self.display_name;
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
            return Err(UserError::Name);
        }
        let is_locale = |locale: &&String| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (2..=35).contains(&locale.len()) && locale.bytes().all(is_plain)
        };
        if !self.locale.as_ref().is_none_or(|locale| is_locale(&locale)) {
            return Err(UserError::Locale);
        }
        match self.avatar.as_ref().is_none_or(|avatar| is_https_url(avatar)) {
            true => Ok(()),
            false => Err(UserError::Avatar),
        }
    }
}

impl Preferences {
    /// Only what no address can be is refused. Whether one leads anywhere is known when something was sent there.
    fn check(&self) -> Result<(), UserError> {
        let Contact {
            email,
            phone,
            push_endpoint,
        } = &self.contact;
        if email.as_ref().is_some_and(|email| !may_be_email(email)) {
            return Err(UserError::Email);
        }
        if phone.as_ref().is_some_and(|phone| !may_be_phone(phone)) {
            return Err(UserError::Phone);
        }
        let may_be_endpoint =
            |text: &&String| (1..=ENDPOINT_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_whitespace);
        if push_endpoint
            .as_ref()
            .is_some_and(|endpoint| !may_be_endpoint(&endpoint))
        {
            return Err(UserError::PushEndpoint);
        }
        for (channel, word, address, name) in [
            (Channel::Email, "email", email, "e-mail address"),
            (Channel::Sms, "sms", phone, "phone number"),
            (Channel::Push, "push", push_endpoint, "push endpoint"),
        ] {
            if self.channels.contains(&channel) && address.is_none() {
                return Err(UserError::NoAddress(word, name));
            }
        }
        Ok(())
    }
}

/// Pages show it as the source of a picture, so it is https and nothing else, and names nobody's password.
fn is_https_url(text: &str) -> bool {
    let text =
        Some(text).filter(|text| text.len() <= AVATAR_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let rest = text.and_then(|text| text.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_odd = |character: char| "\"<>\\^`{|}".contains(character);
    let may_be_in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(may_be_in_host) && !rest.contains(is_odd)
}

fn may_be_email(text: &str) -> bool {
    let is_odd = |character: char| character.is_whitespace() || character.is_control() || ",;<>".contains(character);
    let parts = text.rsplit_once('@');
    text.len() <= EMAIL_BYTES_MAX
        && !text.contains(is_odd)
        && parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

fn may_be_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl User {
    /// What happens when the user tells this: nothing, if it is known.
    ///
    /// # Errors
    /// When it cannot be so.
    pub fn told(&self, profile: Profile) -> Result<Option<UserChange>, UserError> {
        profile.check()?;
        let fact = match &self.profile {
            Some(known) if *known == profile => return Ok(None),
            Some(_) => UserFact::ProfileChanged,
            None => UserFact::Registered,
        };
        Ok(Some(UserChange {
            user: Self {
                profile: Some(profile),
                ..self.clone()
            },
            fact,
        }))
    }

    /// What happens when the user prefers this: nothing, if they did before.
    ///
    /// # Errors
    /// When it cannot be so, or nobody of this id registered.
    pub fn prefers(&self, preferences: Preferences) -> Result<Option<UserChange>, UserError> {
        if self.profile.is_none() {
            return Err(UserError::Unknown);
        }
        preferences.check()?;
        if self.preferences == preferences {
            return Ok(None);
        }
        Ok(Some(UserChange {
            user: Self {
                preferences,
                ..self.clone()
            },
            fact: UserFact::PreferencesChanged,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Profile {
        Profile {
            display_name: "Ada".into(),
            locale: Some("en-GB".into()),
            avatar: Some("https://example.com/ada.png".into()),
        }
    }

    fn by_email(address: &str) -> Preferences {
        Preferences {
            contact: Contact {
                email: Some(address.into()),
                ..Contact::default()
            },
            channels: [Channel::Email].into(),
        }
    }

    fn registered() -> User {
        User::default().told(ada()).unwrap().unwrap().user
    }

    #[test]
    fn new_users_register_known_ones_change_repeats_do_nothing() {
        let change = User::default().told(ada()).unwrap().unwrap();
        assert_eq!(change.fact, UserFact::Registered);
        assert!(change.user.told(ada()).unwrap().is_none());
        let other = Profile { locale: None, ..ada() };
        let change = change.user.told(other).unwrap().unwrap();
        assert_eq!(change.fact, UserFact::ProfileChanged);
    }

    #[test]
    fn preferences_need_a_user_and_repeats_change_nothing() {
        let error = User::default().prefers(by_email("a@b.c")).unwrap_err();
        assert_eq!(error, UserError::Unknown);
        let change = registered().prefers(by_email("a@b.c")).unwrap().unwrap();
        assert!(change.user.prefers(by_email("a@b.c")).unwrap().is_none());
    }

    #[test]
    fn an_invalid_address_is_refused_by_name() {
        for address in ["", "ada", "@b.c", "a@", "a b@c.d", "a@b,c@d", "a@b\r\nBcc: x"] {
            let error = registered().prefers(by_email(address)).unwrap_err();
            assert!(matches!(error, UserError::Email), "{address}");
        }
        for number in [
            "",
            "030123456",
            "+49 30 1",
            "+1234567",
            "+1234567890123456",
            "+49x0123456",
        ] {
            let mut preferences = Preferences::default();
            preferences.contact.phone = Some(number.into());
            let error = registered().prefers(preferences).unwrap_err();
            assert!(matches!(error, UserError::Phone), "{number}");
        }
    }

    #[test]
    fn a_channel_without_an_address_is_refused() {
        let mut preferences = by_email("a@b.c");
        preferences.channels.insert(Channel::Sms);
        let error = registered().prefers(preferences).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the channel sms is selected, but there is no phone number for it"
        );
    }

    #[test]
    fn invalid_names_and_ids_are_refused() {
        for name in ["", "a\nb"] {
            let profile = Profile {
                display_name: name.into(),
                ..Profile::default()
            };
            assert!(User::default().told(profile).is_err(), "{name:?}");
        }
        for text in ["", "a b", "a#b", "ü"] {
            assert!(UserId::new(text).is_err(), "{text:?}");
        }
    }
}
