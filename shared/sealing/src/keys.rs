//! The table of keys: one row per subject, with its key or with the tombstone of one.

use std::fmt;
use std::sync::Arc;

use onecommit_engine::{Cancellation, DatabaseError, Item, Key, Table, Tables, Value};
use onecommit_environment::{Environment, Timestamp};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::randomness::SecretRandom;
use crate::subject::Subject;
use crate::wrap::{KeyWrap, WrapError};

const SUBJECT: &str = "subject";
const KEY_ID: &str = "keyId";
const SECRET: &str = "key";
const WRAPPED: &str = "wrappedKey";
const CREATED_AT: &str = "createdAt";
const FORGOTTEN_AT: &str = "forgottenAt";
const SECRET_BYTES: usize = 32;

/// A subject's key, wiped from memory when it is dropped.
pub(crate) struct SubjectKey {
    id: String,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

/// A subject's key as it lies in the table.
pub(crate) struct StoredKey {
    id: String,
    secret: StoredSecret,
    created_at: Timestamp,
}

enum StoredSecret {
    Plain(Zeroizing<[u8; SECRET_BYTES]>),
    Wrapped(Vec<u8>),
}

/// What the table knows of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectState {
    /// Nothing was ever sealed for it.
    Unknown,
    /// It has a key.
    Known {
        /// Since when.
        since: Timestamp,
    },
    /// It was forgotten.
    Forgotten {
        /// When.
        when: Timestamp,
    },
}

/// A subject's row.
pub(crate) enum KeyRow {
    Absent,
    Known(StoredKey),
    Forgotten(Timestamp),
}

pub(crate) struct Keys {
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) table: Table,
    /// What keys are wrapped with; without it they lie in the table as they are.
    pub(crate) wrap: Option<Arc<dyn KeyWrap>>,
}

impl SubjectKey {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &*self.secret
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubjectKey({})", self.id)
    }
}

impl KeyRow {
    pub(crate) fn state(&self) -> SubjectState {
        match self {
            Self::Absent => SubjectState::Unknown,
            Self::Known(key) => SubjectState::Known { since: key.created_at },
            Self::Forgotten(when) => SubjectState::Forgotten { when: *when },
        }
    }

    fn read(subject: &Subject, row: Option<Item>) -> Result<Self, SealError> {
        let Some(mut row) = row else { return Ok(Self::Absent) };
        let corrupt = |problem| SealError::CorruptKey {
            subject: subject.clone(),
            problem,
        };
        let moment = |name| Timestamp::parse(row.get(name).and_then(Value::as_str).unwrap_or_default());
        // The tombstone wins over whatever else somebody put there.
        if row.contains_key(FORGOTTEN_AT) {
            let when = moment(FORGOTTEN_AT).map_err(|_| corrupt("its forgottenAt is not a time"))?;
            return Ok(Self::Forgotten(when));
        }
        let created_at = moment(CREATED_AT).map_err(|_| corrupt("its createdAt is not a time"))?;
        let secret = match row.remove(WRAPPED) {
            Some(Value::Bytes(wrapped)) => StoredSecret::Wrapped(wrapped),
            Some(_) => return Err(corrupt("its wrappedKey is not bytes")),
            None => {
                let plain = row.remove(SECRET).and_then(|value| match value {
                    Value::Bytes(bytes) => secret_of(&Zeroizing::new(bytes)),
                    _ => None,
                });
                StoredSecret::Plain(plain.ok_or_else(|| corrupt("its key is not 32 bytes"))?)
            }
        };
        let id = row.get(KEY_ID).and_then(Value::as_str);
        let id = id.ok_or_else(|| corrupt("it has no keyId"))?.to_owned();
        Ok(Self::Known(StoredKey { id, secret, created_at }))
    }
}

fn secret_of(bytes: &[u8]) -> Option<Zeroizing<[u8; SECRET_BYTES]>> {
    <[u8; SECRET_BYTES]>::try_from(bytes).ok().map(Zeroizing::new)
}

impl Keys {
    /// One consistent read.
    pub(crate) async fn get(&self, subject: &Subject) -> Result<KeyRow, SealError> {
        let row = self.tables.get(&self.table, &key_of(subject)).await?;
        KeyRow::read(subject, row)
    }

    /// Makes the subject's first key. When another writer was quicker, or the subject was forgotten meanwhile, that
    /// is what comes back:
    ///
    /// ```text
    /// one writer:     reads nothing -> puts key A ------------------> seals with A
    /// another writer: reads nothing ---------------> puts key B: no --> seals with A
    /// ```
    ///
    /// A crash after the put, or a lost answer, leaves a key that nothing was sealed with: the next sealing takes it.
    pub(crate) async fn create(
        &self,
        subject: &Subject,
        environment: &Environment,
        random: &dyn SecretRandom,
    ) -> Result<KeyRow, SealError> {
        let (id, created_at) = (environment.ids().next().to_string(), now(environment));
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        random.fill(&mut *secret)?;
        let (attribute, stored) = match &self.wrap {
            None => (SECRET, secret.to_vec()),
            Some(wrap) => {
                let wrapped = wrap.wrap(subject, &id, &*secret).await;
                (WRAPPED, wrapped.map_err(|source| not_wrapped(subject, source))?)
            }
        };
        let row = [
            (KEY_ID, Value::from(id.as_str())),
            (attribute, Value::Bytes(stored)),
            (CREATED_AT, created_at.to_string().into()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let put = self.table.put(key_of(subject), row).only_if_absent();
        match self.tables.write(&put.into()).await {
            Ok(()) => Ok(KeyRow::Known(StoredKey {
                id,
                secret: StoredSecret::Plain(secret),
                created_at,
            })),
            Err(DatabaseError::Cancelled(mut reasons)) => match reasons.pop() {
                Some(Cancellation::ConditionFailed(Some(row))) => KeyRow::read(subject, Some(row)),
                _ => self.get(subject).await,
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The key that lies in the table, to be used.
    pub(crate) async fn unwrapped(&self, subject: &Subject, stored: StoredKey) -> Result<Arc<SubjectKey>, SealError> {
        let corrupt = |problem| SealError::CorruptKey {
            subject: subject.clone(),
            problem,
        };
        let StoredKey { id, secret, .. } = stored;
        let secret = match secret {
            StoredSecret::Plain(secret) => secret,
            StoredSecret::Wrapped(wrapped) => {
                let wrap = self.wrap.as_ref();
                let wrap = wrap.ok_or_else(|| corrupt("it is wrapped, but no KMS key is configured to unwrap it"))?;
                let secret = wrap.unwrap(subject, &id, &wrapped).await;
                let secret = secret.map_err(|source| not_wrapped(subject, source))?;
                secret_of(&secret).ok_or_else(|| corrupt("the unwrapped key is not 32 bytes"))?
            }
        };
        Ok(Arc::new(SubjectKey { id, secret }))
    }

    /// Takes the key away and leaves a tombstone, also where there never was a key: no writer makes one after that.
    ///
    /// A crash before changes nothing, a crash after changes nothing more; forgetting again keeps the first time.
    pub(crate) async fn forget(&self, subject: &Subject, when: Timestamp) -> Result<(), SealError> {
        let update = self.table.update(key_of(subject));
        let update = update
            .remove(SECRET)
            .remove(WRAPPED)
            .set_if_absent(FORGOTTEN_AT, when.to_string());
        Ok(self.tables.write(&update.into()).await?)
    }
}

fn key_of(subject: &Subject) -> Key {
    Key::new(SUBJECT, subject.as_str())
}

fn not_wrapped(subject: &Subject, source: WrapError) -> SealError {
    SealError::Wrap {
        subject: subject.clone(),
        source,
    }
}

/// In whole milliseconds, as it is written.
pub(crate) fn now(environment: &Environment) -> Timestamp {
    Timestamp::from_unix_ms(environment.clock().now().unix_ms())
}
