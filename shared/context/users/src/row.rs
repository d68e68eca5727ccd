//! How a user lies in the table: one row, which also notes how long the user's stream is.

use onecommit_commit::{Condition, Item, Key, Put, Table, Value};
use onecommit_domain_users::{Channel, Contact, Preferences, Profile, User, UserId};

/// A user and the version of its stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) version: u64,
}

/// A row that this code did not write.
#[derive(Debug, thiserror::Error)]
#[error("the attribute {0} of a user's row is missing or not as it should be; was the row written by other code?")]
pub(crate) struct UnreadableRow(&'static str);

const CHANNELS: [(&str, Channel); 3] = [
    ("email", Channel::Email),
    ("sms", Channel::Sms),
    ("push", Channel::Push),
];

pub(crate) fn key(id: &UserId) -> Key {
    Key::new("userId", id.as_str())
}

impl Known {
    pub(crate) fn read(row: Option<&Item>) -> Result<Self, UnreadableRow> {
        let Some(row) = row else {
            return Ok(Self {
                user: User::default(),
                version: 0,
            });
        };
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let profile = text("displayName").map(|display_name| Profile {
            display_name,
            locale: text("locale"),
        });
        let preferences = Preferences {
            contact: Contact {
                email: text("email"),
                phone: text("phone"),
                push_endpoint: text("pushEndpoint"),
            },
            channels: channels_in(row),
        };
        let version = row.get("streamVersion").and_then(Value::as_u64);
        Ok(Self {
            user: User { profile, preferences },
            version: version.ok_or(UnreadableRow("streamVersion"))?,
        })
    }

    /// The write that makes the row say this after one more event, if nobody else has changed it since it was read.
    pub(crate) fn replaced_by(&self, table: &Table, id: &UserId, user: &User) -> Put {
        let Preferences { contact, channels } = &user.preferences;
        let channels = CHANNELS.iter().filter(|(_, channel)| channels.contains(channel));
        let mut row = Item::from([
            ("streamVersion".to_owned(), Value::from(self.version + 1)),
            (
                "channels".to_owned(),
                Value::List(channels.map(|(word, _)| (*word).into()).collect()),
            ),
        ]);
        let profile = user.profile.as_ref();
        let texts = [
            ("displayName", profile.map(|profile| &profile.display_name)),
            ("locale", profile.and_then(|profile| profile.locale.as_ref())),
            ("email", contact.email.as_ref()),
            ("phone", contact.phone.as_ref()),
            ("pushEndpoint", contact.push_endpoint.as_ref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                row.insert(name.to_owned(), text.into());
            }
        }
        let unchanged = match self.version {
            0 => Condition::absent("userId"),
            version => Condition::equals("streamVersion", version),
        };
        table.put(key(id), row).only_if(unchanged)
    }
}

fn channels_in(row: &Item) -> std::collections::BTreeSet<Channel> {
    let Some(Value::List(words)) = row.get("channels") else {
        return std::collections::BTreeSet::new();
    };
    let channel = |word: &Value| CHANNELS.iter().find(|(known, _)| Some(*known) == word.as_str());
    words.iter().filter_map(channel).map(|(_, channel)| *channel).collect()
}
