//! How a user lies in the table: one row, which also notes how long the user's stream is. What the user told of themselves is
//! sealed in it.

use std::collections::BTreeSet;

use onecommit_engine::{Condition, DatabaseError, Item, Key, Put, Table, TableReader, Value};
use onecommit_environment::Timestamp;
use onecommit_sealing::{Field, Opened, SealError, Sealed, Sealer};

use crate::Users;
use crate::service::facts::subject_of;
use crate::{Channel, Contact, Personal, Preferences, Profile, User, UserId};

/// A user and the version of its stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    pub(crate) user: User,
    pub(crate) version: u64,
    /// When the first event happened; rows of the time before this was noted do not have it.
    pub(crate) created_at: Option<Timestamp>,
}

/// Why a user's row says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the table of users did not answer")]
    Database(#[from] DatabaseError),
    /// This code did not write it.
    #[error("the attribute {0} of a user's row is missing or invalid; check which code wrote the row")]
    Row(&'static str),
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Nobody can tell any more.
    #[error("the user was forgotten at {0}")]
    Forgotten(Timestamp),
}

/// The sealed attribute.
const PERSONAL: &str = "personal";
const PERSONAL_FIELD: Field = Field::named("users.personal");

/// When the user's first event happened. Not sealed: it is in the metadata of that event, too.
const CREATED_AT: &str = "createdAt";

const CHANNELS: [(&str, Channel); 3] = [
    ("email", Channel::Email),
    ("sms", Channel::Sms),
    ("push", Channel::Push),
];

fn key(id: &UserId) -> Key {
    Key::new("userId", id.as_str())
}

/// The user, as far as known.
pub(crate) async fn read(
    rows: &dyn TableReader,
    table: &Table,
    sealer: &Sealer,
    id: &UserId,
) -> Result<Known, ReadError> {
    let Some(row) = rows.get(table, &key(id)).await? else {
        return Ok(Known::default());
    };
    let version = row.get("streamVersion").and_then(Value::as_u64);
    let version = version.ok_or(ReadError::Row("streamVersion"))?;
    let Personal { profile, contact } = personal_in(sealer, id, &row).await?;
    let channels = channels_in(&row);
    let preferences = Preferences { contact, channels };
    Ok(Known {
        user: User { profile, preferences },
        version,
        created_at: created_at_in(&row)?,
    })
}

async fn personal_in(sealer: &Sealer, id: &UserId, row: &Item) -> Result<Personal, ReadError> {
    let Some(sealed) = row.get(PERSONAL) else {
        return Ok(in_clear(row));
    };
    let sealed: Option<Sealed<Personal>> = sealed.as_str().and_then(|text| serde_json::from_str(text).ok());
    let sealed = sealed.ok_or(ReadError::Row(PERSONAL))?;
    // Of another user it would open nowhere, but the key that is asked for is its own.
    if sealed.subject() != &subject_of(id)? {
        return Err(ReadError::Row(PERSONAL));
    }
    match sealer.open_within(PERSONAL_FIELD, id.as_str(), &sealed).await? {
        Opened::Known(personal) => Ok(personal),
        Opened::Forgotten { when } => Err(ReadError::Forgotten(when)),
    }
}

impl Users {
    /// The user, as far as known.
    pub(crate) async fn read(&self, id: &UserId) -> Result<Known, ReadError> {
        read(&*self.tables, &self.table, &self.sealer, id).await
    }

    /// The write that makes the row say this after one more event, if nobody else has changed it since it was read.
    pub(crate) async fn replace(&self, id: &UserId, known: &Known, user: &User) -> Result<Put, SealError> {
        let Preferences { contact, channels } = user.preferences.clone();
        let profile = user.profile.clone();
        let personal = Personal { profile, contact };
        let subject = subject_of(id)?;
        let sealed = self
            .sealer
            .seal_within(&subject, PERSONAL_FIELD, id.as_str(), &personal);
        let sealed = serde_json::to_string(&sealed.await?).map_err(|_| SealError::NoJson { type_name: "Sealed" })?;
        let channels = CHANNELS.iter().filter(|(_, channel)| channels.contains(channel));
        let mut row = Item::from([
            ("streamVersion".to_owned(), Value::from(known.version + 1)),
            (
                "channels".to_owned(),
                Value::List(channels.map(|(word, _)| (*word).into()).collect()),
            ),
            (PERSONAL.to_owned(), sealed.into()),
        ]);
        if let Some(created_at) = known.created_at {
            row.insert(CREATED_AT.to_owned(), created_at.to_string().into());
        }
        let unchanged = match known.version {
            0 => Condition::absent("userId"),
            version => Condition::equals("streamVersion", version),
        };
        Ok(self.table.put(key(id), row).only_if(unchanged))
    }
}

fn created_at_in(row: &Item) -> Result<Option<Timestamp>, ReadError> {
    let text = row.get(CREATED_AT).and_then(Value::as_str);
    let read = text.map(Timestamp::parse).transpose();
    read.map_err(|_| ReadError::Row(CREATED_AT))
}

/// From a row of the time before data was sealed. The next change seals it.
fn in_clear(row: &Item) -> Personal {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    Personal {
        profile: text("displayName").map(|display_name| Profile {
            display_name,
            locale: text("locale"),
            avatar: None,
        }),
        contact: Contact {
            email: text("email"),
            phone: text("phone"),
            push_endpoint: text("pushEndpoint"),
        },
    }
}

fn channels_in(row: &Item) -> BTreeSet<Channel> {
    let Some(Value::List(words)) = row.get("channels") else {
        return BTreeSet::new();
    };
    let channel = |word: &Value| CHANNELS.iter().find(|(known, _)| Some(*known) == word.as_str());
    words.iter().filter_map(channel).map(|(_, channel)| *channel).collect()
}
