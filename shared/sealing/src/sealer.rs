use std::any::type_name;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use onecommit_engine::{Table, Tables};
use onecommit_environment::{Environment, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Cache;
use crate::cipher::{self, Place};
use crate::error::SealError;
use crate::keys::{KeyRow, Keys, SubjectKey, SubjectState, now};
use crate::randomness::{SecretRandom, SystemSecrets};
use crate::sealed::{Opened, Sealed};
use crate::subject::{Field, Subject};
use crate::wrap::KeyWrap;

/// Seals values, opens them, and forgets the subjects they belong to. Its table has the key `subject` (S).
pub struct Sealer {
    keys: Keys,
    cache: Cache,
    environment: Environment,
    random: Arc<dyn SecretRandom>,
}

impl Sealer {
    /// A sealer with the keys in `table`, the operating system's randomness, and no cache.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, table: Table, environment: Environment) -> Self {
        Self {
            keys: Keys {
                tables,
                table,
                wrap: None,
            },
            cache: Cache::keeping_for(Duration::ZERO),
            environment,
            random: Arc::new(SystemSecrets::default()),
        }
    }

    /// Keeps up to 1,000 keys in memory for `duration` after they were read, at most 60 s.
    ///
    /// So much longer can a process open what another one has forgotten. Its own forgetting takes effect at once, but for
    /// openings under way.
    #[must_use]
    pub fn with_cache(mut self, duration: Duration) -> Self {
        self.cache = Cache::keeping_for(duration);
        self
    }

    /// Wraps the keys that are made from now on. Keys that lie in the table as they are stay usable.
    #[must_use]
    pub fn wrapping_keys_with(mut self, wrap: Arc<dyn KeyWrap>) -> Self {
        self.keys.wrap = Some(wrap);
        self
    }

    /// Makes keys and nonces from this randomness; for simulations.
    #[must_use]
    pub fn with_randomness(mut self, random: Arc<dyn SecretRandom>) -> Self {
        self.random = random;
        self
    }

    /// Seals a value of a subject that opens wherever it stands as this field. Prefer [`seal_within`](Self::seal_within). The
    /// subject's first value makes its key.
    ///
    /// # Errors
    /// [`SealError::Forgotten`] once the subject was forgotten, and see the others.
    pub async fn seal<T: Serialize>(&self, subject: &Subject, field: Field, value: &T) -> Result<Sealed<T>, SealError> {
        self.seal_at(subject, Place { field, within: None }, value).await
    }

    /// Seals a value of a subject that opens in one event or row only: `within` is the event's id, or the row's key. Copied
    /// into another, it does not open.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub async fn seal_within<T: Serialize>(
        &self,
        subject: &Subject,
        field: Field,
        within: &str,
        value: &T,
    ) -> Result<Sealed<T>, SealError> {
        let within = Some(within);
        self.seal_at(subject, Place { field, within }, value).await
    }

    async fn seal_at<T: Serialize>(
        &self,
        subject: &Subject,
        place: Place<'_>,
        value: &T,
    ) -> Result<Sealed<T>, SealError> {
        let mut bytes = serde_json::to_vec(value).map_err(|_| SealError::NoJson {
            type_name: type_name::<T>(),
        })?;
        let key = self.key_to_seal_with(subject).await?;
        let nonce = cipher::new_nonce(&*self.random)?;
        cipher::seal(&key, subject, place, nonce, &mut bytes).map_err(|_| SealError::TooLarge {
            subject: subject.clone(),
        })?;
        Ok(Sealed {
            subject: subject.clone(),
            key_id: key.id().to_owned(),
            algorithm: place.algorithm().to_owned(),
            nonce: BASE64.encode(nonce),
            ciphertext: BASE64.encode(bytes),
            value: PhantomData,
        })
    }

    /// What was sealed for this field, or since when nobody can tell.
    ///
    /// # Errors
    /// See [`SealError`].
    pub async fn open<T: DeserializeOwned>(&self, field: Field, sealed: &Sealed<T>) -> Result<Opened<T>, SealError> {
        self.open_at(Place { field, within: None }, sealed).await
    }

    /// What was sealed for this field of this event or row.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`SealError::Tampered`] also for a value that was not sealed within it.
    pub async fn open_within<T: DeserializeOwned>(
        &self,
        field: Field,
        within: &str,
        sealed: &Sealed<T>,
    ) -> Result<Opened<T>, SealError> {
        let within = Some(within);
        self.open_at(Place { field, within }, sealed).await
    }

    async fn open_at<T: DeserializeOwned>(&self, place: Place<'_>, sealed: &Sealed<T>) -> Result<Opened<T>, SealError> {
        let subject = &sealed.subject;
        let key = match self.key(subject).await? {
            Found::Key(key) => key,
            Found::Forgotten(when) => return Ok(Opened::Forgotten { when }),
            Found::Nothing => {
                return Err(SealError::NoKey {
                    subject: subject.clone(),
                });
            }
        };
        open_with(&key, place, sealed).map(Opened::Known)
    }

    /// Forgets a subject, for good: its key is deleted, and a tombstone keeps a new one from being made.
    ///
    /// # Errors
    /// When the table does not answer; forgetting may be asked for again.
    pub async fn forget(&self, subject: &Subject) -> Result<(), SealError> {
        self.keys.forget(subject, now(&self.environment)).await?;
        self.cache.forget(subject);
        Ok(())
    }

    /// What the table knows of a subject; never from the cache.
    ///
    /// # Errors
    /// When the table does not answer, or the subject's row is corrupt.
    pub async fn state(&self, subject: &Subject) -> Result<SubjectState, SealError> {
        Ok(self.keys.get(subject).await?.state())
    }

    async fn key_to_seal_with(&self, subject: &Subject) -> Result<Arc<SubjectKey>, SealError> {
        let mut found = self.key(subject).await?;
        if matches!(found, Found::Nothing) {
            let asked = self.environment.clock().instant();
            let row = self.keys.create(subject, &self.environment, &*self.random).await?;
            found = self.found(subject, row).await?;
            self.keep(subject, &found, asked);
        }
        let subject = subject.clone();
        match found {
            Found::Key(key) => Ok(key),
            Found::Forgotten(when) => Err(SealError::Forgotten { subject, when }),
            Found::Nothing => Err(SealError::NoKey { subject }),
        }
    }

    async fn key(&self, subject: &Subject) -> Result<Found, SealError> {
        let asked = self.environment.clock().instant();
        if let Some(key) = self.cache.get(subject, asked) {
            return Ok(Found::Key(key));
        }
        let row = self.keys.get(subject).await?;
        let found = self.found(subject, row).await?;
        self.keep(subject, &found, asked);
        Ok(found)
    }

    fn keep(&self, subject: &Subject, found: &Found, asked: Instant) {
        if let Found::Key(key) = found {
            self.cache.keep(subject, key, asked);
        }
    }

    async fn found(&self, subject: &Subject, row: KeyRow) -> Result<Found, SealError> {
        Ok(match row {
            KeyRow::Absent => Found::Nothing,
            KeyRow::Forgotten(when) => Found::Forgotten(when),
            KeyRow::Known(stored) => Found::Key(self.keys.unwrapped(subject, stored).await?),
        })
    }
}

/// A subject's key, ready to be used.
enum Found {
    Nothing,
    Key(Arc<SubjectKey>),
    Forgotten(Timestamp),
}

fn open_with<T: DeserializeOwned>(key: &SubjectKey, place: Place<'_>, sealed: &Sealed<T>) -> Result<T, SealError> {
    let subject = &sealed.subject;
    if !cipher::is_known(&sealed.algorithm) {
        return Err(SealError::UnknownAlgorithm {
            subject: subject.clone(),
            algorithm: sealed.algorithm.chars().take(32).collect(),
        });
    }
    let tampered = || tampered(subject, place.field);
    // A value that may stand anywhere is not one that was sealed for this place.
    if sealed.algorithm != place.algorithm() {
        return Err(tampered());
    }
    if sealed.key_id != key.id() {
        return Err(SealError::OtherKey {
            subject: subject.clone(),
            sealed_with: sealed.key_id.chars().take(64).collect(),
            found: key.id().to_owned(),
        });
    }
    let nonce = BASE64.decode(&sealed.nonce).ok();
    let nonce = nonce.and_then(|nonce| cipher::NonceBytes::try_from(nonce).ok());
    let nonce = nonce.ok_or_else(tampered)?;
    let ciphertext = BASE64.decode(&sealed.ciphertext).map_err(|_| tampered())?;
    let value = cipher::open(key, subject, place, nonce, ciphertext).map_err(|_| tampered())?;
    // What serde says of a value that does not fit may quote it.
    serde_json::from_slice(&value).map_err(|_| SealError::NotOfType {
        subject: subject.clone(),
        expected: type_name::<T>(),
    })
}

fn tampered(subject: &Subject, field: Field) -> SealError {
    SealError::Tampered {
        subject: subject.clone(),
        field: field.name(),
    }
}
