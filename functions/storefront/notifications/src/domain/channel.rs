use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to reach a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Channel {
    /// An e-mail to an address.
    Email,
    /// A text message to a phone number.
    Sms,
    /// A push message to an app, by the endpoint it is registered under.
    Push,
}

/// Where a customer is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The endpoint of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_endpoint: Option<String>,
}

/// How a customer wants to be reached, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Where.
    pub contact: Contact,
    /// The channels that are wanted.
    pub channels: BTreeSet<Channel>,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    /// Its word on the wire and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
        }
    }

    /// The channel by its word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == word)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Preferences {
    /// The channels to use, each with where it leads: those that are wanted and for which there is an address.
    pub fn reachable(&self) -> impl Iterator<Item = (Channel, &str)> {
        let address = |channel| match channel {
            Channel::Email => self.contact.email.as_deref(),
            Channel::Sms => self.contact.phone.as_deref(),
            Channel::Push => self.contact.push_endpoint.as_deref(),
        };
        let wanted = self.channels.iter();
        wanted.filter_map(move |channel| Some((*channel, address(*channel).filter(|text| !text.is_empty())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wanted_channels_with_an_address_are_used() {
        let preferences = Preferences {
            contact: Contact {
                email: Some("a@example.com".into()),
                phone: Some("+4912345".into()),
                push_endpoint: None,
            },
            channels: [Channel::Email, Channel::Push].into(),
        };
        let used: Vec<_> = preferences.reachable().collect();
        assert_eq!(used, [(Channel::Email, "a@example.com")]);
        assert_eq!(Preferences::default().reachable().count(), 0);
    }
}
