use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Cancellation, Condition, DatabaseError, EventLog, Put, RetryingWrites, Table, Tables, Transaction, Write,
};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Aggregate, Event, Metadata, Payload};
use onecommit_sealing::{SecretRandom, SystemSecrets};

use crate::api_key::change::ApiKeyError;
use crate::api_key::event::{API_KEY, ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated};
use crate::api_key::key::{ApiKey, ApiKeyId};
use crate::api_key::row::{
    ApiKeyState, EXPIRES_AT, HASH, Place, RATE_PER_MINUTE_DEFAULT, REVOKED_AT, REVOKED_BY, ROTATED_TO, VERSION, row_of,
};
use crate::scope::Scopes;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// How long both keys are accepted at most when one takes the place of the other.
const OVERLAP_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// How often a change is tried on fresh reads when others change the same key.
const TRIES: usize = 5;

/// Makes, lists, revokes and rotates API keys. Every change is one transaction of the key's row and its event.
pub struct ApiKeys {
    tables: Arc<dyn Tables>,
    place: Place,
    random: Arc<dyn SecretRandom>,
    environment: Environment,
}

/// The key that is to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What people call it: 1 to 200 bytes without control characters.
    pub name: String,
    /// What it may be used for; at least one.
    pub scopes: Scopes,
    /// How many requests per minute it may make, at least 1.
    pub rate_per_minute: u32,
    /// When it ends; `None`: not by itself.
    pub expires_at: Option<Timestamp>,
    /// Who makes it.
    pub created_by: String,
}

/// A key that has taken the place of another.
#[derive(Debug)]
pub struct Rotation {
    /// The new key. It cannot be read again.
    pub key: ApiKey,
    /// What is known of it.
    pub state: ApiKeyState,
    /// When the old one ends.
    pub old_ends_at: Timestamp,
}

impl NewApiKey {
    /// A key with the default rate and without an end.
    pub fn new(name: impl Into<String>, scopes: Scopes, created_by: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes,
            rate_per_minute: RATE_PER_MINUTE_DEFAULT,
            expires_at: None,
            created_by: created_by.into(),
        }
    }

    fn check(&self, now: Timestamp) -> Result<(), ApiKeyError> {
        let wrong = |field, problem| Err(ApiKeyError::Field { field, problem });
        let is_name = (1..=NAME_BYTES_MAX).contains(&self.name.len()) && !self.name.chars().any(char::is_control);
        if !is_name {
            return wrong("name", "it has to be 1 to 200 bytes without control characters");
        }
        if self.scopes.is_empty() {
            return wrong("scopes", "a key without scopes cannot be used; give it at least one");
        }
        if self.rate_per_minute == 0 {
            return wrong("ratePerMinute", "it has to be at least 1 per minute");
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return wrong("expiresAt", "it has to be in the future");
        }
        Ok(())
    }
}

impl ApiKeys {
    /// Keys in the table `keys`, their events in `log`.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, keys: Table, log: EventLog, environment: Environment) -> Self {
        Self {
            tables: Arc::new(RetryingWrites::of(tables, environment.clone())),
            place: Place { keys, log },
            random: Arc::new(SystemSecrets::default()),
            environment,
        }
    }

    /// With randomness of your own, for a simulation.
    #[must_use]
    pub fn with_randomness(mut self, random: Arc<dyn SecretRandom>) -> Self {
        self.random = random;
        self
    }

    /// Makes a key. It is returned this once; a crash after the commit leaves one that nobody knows, to be revoked.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn create(&self, new: NewApiKey) -> Result<(ApiKey, ApiKeyState), ApiKeyError> {
        let now = self.now();
        new.check(now)?;
        let key = ApiKey::random(&*self.random)?;
        let state = state_of(&key, new, now);
        let writes = self.creation(&key, &state, None)?;
        self.commit(writes.into(), &state.id).await?;
        Ok((key, state))
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// [`ApiKeyError::Unknown`], [`ApiKeyError::Malformed`], or the table's.
    pub async fn state(&self, id: &ApiKeyId) -> Result<ApiKeyState, ApiKeyError> {
        let row = self.tables.get(&self.place.keys, &row_of(id)).await?;
        let row = row.ok_or_else(|| ApiKeyError::Unknown(id.clone()))?;
        ApiKeyState::read(&row).ok_or_else(|| ApiKeyError::Malformed(id.clone()))
    }

    /// All keys, the newest last. Rows that are not those of keys are left out; their number is returned beside.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(&self) -> Result<(Vec<ApiKeyState>, usize), ApiKeyError> {
        let (mut states, mut malformed) = (Vec::new(), 0);
        // Other rows may be in the table, such as those of rate limits.
        let mut next = Some(self.place.keys.scan().only(Condition::exists(HASH)));
        while let Some(scan) = next {
            let page = self.tables.scan(&scan).await?;
            for row in &page.rows {
                match ApiKeyState::read(row) {
                    Some(state) => states.push(state),
                    None => malformed += 1,
                }
            }
            next = page.next;
        }
        states.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok((states, malformed))
    }

    /// Takes a key back, for good; its row stays. It is refused from the commit on, and after 60 s where it was kept. A key
    /// that was revoked before stays as it is.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn revoke(&self, id: &ApiKeyId, by: &str) -> Result<ApiKeyState, ApiKeyError> {
        for _ in 0..TRIES {
            let state = self.state(id).await?;
            if state.revoked_at.is_some() {
                return Ok(state);
            }
            let now = self.now();
            let revoked = ApiKeyRevoked {
                revoked_by: by.to_owned(),
            };
            let update = self.place.keys.update(row_of(id));
            let update = update
                .set(REVOKED_AT, now.to_string())
                .set(REVOKED_BY, by)
                .set(VERSION, state.version + 1)
                .only_if(Condition::equals(VERSION, state.version));
            let event = self.event(id, state.version + 1, revoked, by)?;
            match self.commit(vec![update.into(), event.into()], id).await {
                Err(ApiKeyError::Conflict(_)) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(ApiKeyState {
                        revoked_at: Some(now),
                        version: state.version + 1,
                        ..state
                    });
                }
            }
        }
        Err(ApiKeyError::Conflict(id.clone()))
    }

    /// Makes a key of the same name, scopes, rate and end, in place of this one, which is accepted for `overlap` more.
    ///
    /// ```text
    /// old  ------------------------------------+ ends
    ///            commit | overlap              |
    /// new               +---------------------------------
    /// ```
    ///
    /// A crash before the commit changes nothing. After it, both keys are there; if the new one was not seen by anybody,
    /// rotate it in its turn: the old one still ends when it was said to.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn rotate(&self, id: &ApiKeyId, overlap: Duration, by: &str) -> Result<Rotation, ApiKeyError> {
        if overlap > OVERLAP_MAX {
            return Err(ApiKeyError::Field {
                field: "overlap",
                problem: "it has to be 90 days at most",
            });
        }
        for _ in 0..TRIES {
            let old = self.state(id).await?;
            let now = self.now();
            if let Some(successor) = old.rotated_to {
                return Err(ApiKeyError::Rotated(id.clone(), successor));
            }
            if !old.is_valid_at(now) {
                return Err(ApiKeyError::Ended(id.clone()));
            }
            let key = ApiKey::random(&*self.random)?;
            let state = state_of(&key, successor_of(&old, by), now);
            let end = now.plus(overlap);
            let old_ends_at = old.expires_at.map_or(end, |earlier| earlier.min(end));
            let writes = self.rotation(&old, &key, &state, old_ends_at, by)?;
            match self.commit(writes, id).await {
                Err(ApiKeyError::Conflict(_)) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    return Ok(Rotation {
                        key,
                        state,
                        old_ends_at,
                    });
                }
            }
        }
        Err(ApiKeyError::Conflict(id.clone()))
    }

    fn rotation(
        &self,
        old: &ApiKeyState,
        key: &ApiKey,
        state: &ApiKeyState,
        old_ends_at: Timestamp,
        by: &str,
    ) -> Result<Vec<Write>, ApiKeyError> {
        let rotated = ApiKeyRotated {
            rotated_to: state.id.to_string(),
            ends_at: old_ends_at.to_string(),
            rotated_by: by.to_owned(),
        };
        let update = self.place.keys.update(row_of(&old.id));
        let update = update
            .set(EXPIRES_AT, old_ends_at.to_string())
            .set(ROTATED_TO, state.id.as_str())
            .set(VERSION, old.version + 1)
            .only_if(Condition::equals(VERSION, old.version));
        let event = self.event(&old.id, old.version + 1, rotated, by)?;
        let [row, created] = self.creation(key, state, Some(&old.id))?;
        Ok(vec![update.into(), event.into(), row, created])
    }

    fn creation(
        &self,
        key: &ApiKey,
        state: &ApiKeyState,
        rotated_from: Option<&ApiKeyId>,
    ) -> Result<[Write; 2], ApiKeyError> {
        let created = ApiKeyCreated {
            name: state.name.clone(),
            scopes: state.scopes.iter().map(str::to_owned).collect(),
            rate_per_minute: state.rate_per_minute,
            expires_at: state.expires_at.map(|end| end.to_string()),
            created_by: state.created_by.clone(),
            rotated_from: rotated_from.map(ToString::to_string),
        };
        let row = self.place.keys.put(row_of(&state.id), state.row(key.hash()));
        let event = self.event(&state.id, state.version, created, &state.created_by)?;
        Ok([row.only_if_absent().into(), event.into()])
    }

    fn event(&self, id: &ApiKeyId, version: u64, payload: impl Payload, by: &str) -> Result<Put, ApiKeyError> {
        let stream = Aggregate::new(API_KEY, id.as_str())?;
        let event = Event::new(stream, payload, &self.environment).into_raw()?;
        let event = event.on_behalf_of(Some(by.to_owned()))?;
        let metadata = Metadata {
            sequence: Some(version),
            ..event.metadata().clone()
        };
        Ok(self.place.log.put(&event.with_metadata(metadata)))
    }

    /// All of the writes, or none.
    async fn commit(&self, writes: Vec<Write>, id: &ApiKeyId) -> Result<(), ApiKeyError> {
        let transaction = Transaction::checked(self.environment.ids().next(), writes)?;
        let sent = self.tables.transact(&transaction).await;
        sent.map_err(|error| match error {
            DatabaseError::Cancelled(reasons) if reasons.iter().any(is_refusal) => ApiKeyError::Conflict(id.clone()),
            error => error.into(),
        })
    }

    /// In whole milliseconds, as it is written.
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.environment.clock().now().unix_ms())
    }
}

fn is_refusal(reason: &Cancellation) -> bool {
    matches!(reason, Cancellation::ConditionFailed(_))
}

fn state_of(key: &ApiKey, new: NewApiKey, now: Timestamp) -> ApiKeyState {
    ApiKeyState {
        id: key.id(),
        name: new.name,
        scopes: new.scopes,
        rate_per_minute: new.rate_per_minute,
        created_at: now,
        created_by: new.created_by,
        expires_at: new.expires_at.map(|end| Timestamp::from_unix_ms(end.unix_ms())),
        revoked_at: None,
        rotated_to: None,
        last_used_at: None,
        version: 1,
    }
}

fn successor_of(old: &ApiKeyState, by: &str) -> NewApiKey {
    NewApiKey {
        name: old.name.clone(),
        scopes: old.scopes.clone(),
        rate_per_minute: old.rate_per_minute,
        expires_at: old.expires_at,
        created_by: by.to_owned(),
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiKeys")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
