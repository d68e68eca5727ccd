//! The table of API keys: one row per key, with the hash of the key and without the key.

use onecommit_engine::{Item, Key, Table, Value};
use onecommit_environment::Timestamp;

use crate::api_key::key::ApiKeyId;
use crate::scope::Scopes;

/// How many requests per minute a key may make unless it is said otherwise.
pub const RATE_PER_MINUTE_DEFAULT: u32 = 1_000;

pub(crate) const KEY_ID: &str = "keyId";
pub(crate) const HASH: &str = "hash";
pub(crate) const NAME: &str = "name";
pub(crate) const SCOPES: &str = "scopes";
pub(crate) const RATE: &str = "ratePerMinute";
pub(crate) const CREATED_AT: &str = "createdAt";
pub(crate) const CREATED_BY: &str = "createdBy";
pub(crate) const EXPIRES_AT: &str = "expiresAt";
pub(crate) const REVOKED_AT: &str = "revokedAt";
pub(crate) const REVOKED_BY: &str = "revokedBy";
pub(crate) const ROTATED_TO: &str = "rotatedTo";
pub(crate) const LAST_USED_AT: &str = "lastUsedAt";
/// How many events the key's stream has; a change is made to the version that was read, or not at all.
pub(crate) const VERSION: &str = "version";

/// What is known of an API key. The key itself is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyState {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called by people.
    pub name: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How many requests per minute it may make.
    pub rate_per_minute: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends; `None`: not by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// The key that takes its place.
    pub rotated_to: Option<ApiKeyId>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    pub(crate) version: u64,
}

impl ApiKeyState {
    /// Whether it is accepted at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The state in a row; `None` when it has not the attributes of one.
    pub(crate) fn read(row: &Item) -> Option<Self> {
        let text = |name| row.get(name).and_then(Value::as_str);
        // A time that is there has to be one: a row with a broken end must not become a key without an end.
        let moment = |name| match row.get(name) {
            None => Some(None),
            Some(value) => value.as_str().and_then(|text| Timestamp::parse(text).ok()).map(Some),
        };
        let Some(Value::List(scopes)) = row.get(SCOPES) else {
            return None;
        };
        let scopes: Vec<&str> = scopes.iter().map(Value::as_str).collect::<Option<_>>()?;
        Some(Self {
            id: text(KEY_ID)?.parse().ok()?,
            name: text(NAME)?.to_owned(),
            scopes: Scopes::of(scopes).ok()?,
            rate_per_minute: u32::try_from(row.get(RATE)?.as_u64()?).ok()?,
            created_at: moment(CREATED_AT)??,
            created_by: text(CREATED_BY)?.to_owned(),
            expires_at: moment(EXPIRES_AT)?,
            revoked_at: moment(REVOKED_AT)?,
            rotated_to: text(ROTATED_TO).map(str::parse).transpose().ok()?,
            last_used_at: moment(LAST_USED_AT)?,
            version: row.get(VERSION)?.as_u64()?,
        })
    }

    /// The row of a key that was made just now.
    pub(crate) fn row(&self, hash: [u8; 32]) -> Vec<(String, Value)> {
        let scopes = self.scopes.iter().map(Value::from).collect();
        let always = [
            (HASH, Value::Bytes(hash.to_vec())),
            (NAME, self.name.as_str().into()),
            (SCOPES, Value::List(scopes)),
            (RATE, self.rate_per_minute.into()),
            (CREATED_AT, self.created_at.to_string().into()),
            (CREATED_BY, self.created_by.as_str().into()),
            (VERSION, self.version.into()),
        ];
        let expires_at = self.expires_at.map(|end| (EXPIRES_AT, end.to_string().into()));
        let all = always.into_iter().chain(expires_at);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

pub(crate) fn row_of(id: &ApiKeyId) -> Key {
    Key::new(KEY_ID, id.as_str())
}

/// The hash in a row.
pub(crate) fn hash_in(row: &Item) -> Option<&[u8]> {
    match row.get(HASH) {
        Some(Value::Bytes(hash)) => Some(hash),
        _ => None,
    }
}

/// Where keys and their events are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) keys: Table,
    pub(crate) log: onecommit_engine::EventLog,
}
