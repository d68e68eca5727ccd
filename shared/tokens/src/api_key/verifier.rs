use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use onecommit_engine::{Condition, DatabaseError, Table, Tables};
use onecommit_environment::{Environment, Timestamp};
use subtle::ConstantTimeEq;
use tracing::{debug, error};

use crate::api_key::key::{ApiKey, ApiKeyId};
use crate::api_key::row::{ApiKeyState, KEY_ID, LAST_USED_AT, hash_in, row_of};
use crate::principal::{Principal, PrincipalKind};
use crate::refusal::{InvalidCredential, Refusal};

/// A revoked key is refused everywhere after this long, at most.
const KEPT_FOR_MAX: Duration = Duration::from_secs(60);
/// How often the last use of a key is written.
const USE_WRITTEN_EVERY: Duration = Duration::from_secs(60);
/// The longest wait for such a write, which nobody waits for.
const USE_WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// How many keys are kept.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Checks API keys.
///
/// A key that was found valid is kept for up to a minute; one that was not costs a read each time: an unknown id as much
/// as a wrong secret. A text that is no key, or has a typing error, costs none.
pub struct ApiKeyVerifier {
    tables: Arc<dyn Tables>,
    table: Table,
    environment: Environment,
    kept_for: Duration,
    kept: Mutex<LruCache<[u8; 32], Kept>>,
    /// When the last use of a key was written by this process.
    written: Mutex<LruCache<ApiKeyId, Instant>>,
}

struct Kept {
    state: Arc<ApiKeyState>,
    until: Instant,
}

impl ApiKeyVerifier {
    /// Checks keys of `table`, and keeps those that are valid for 60 s.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, table: Table, environment: Environment) -> Self {
        Self {
            tables,
            table,
            environment,
            kept_for: KEPT_FOR_MAX,
            kept: Mutex::new(LruCache::new(KEPT_MAX)),
            written: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }

    /// Keeps valid keys for so long, a minute at most; for no time, every check is a read, and a revoked key is refused at
    /// once.
    #[must_use]
    pub fn keeping_for(mut self, duration: Duration) -> Self {
        self.kept_for = duration.min(KEPT_FOR_MAX);
        self
    }

    /// Whoever the key was given to.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when there is no such key or it has ended; [`Refusal::Unavailable`] when the table does not
    /// answer.
    pub async fn verify(&self, text: &str) -> Result<Principal, Refusal> {
        let key = ApiKey::parse(text).ok_or(InvalidCredential::Malformed)?;
        let hash = key.hash();
        let state = match self.kept(&hash) {
            Some(state) => state,
            None => self.read(&key.id(), hash).await?,
        };
        let now = self.environment.clock().now();
        if state.revoked_at.is_some() {
            return Err(InvalidCredential::Revoked.into());
        }
        if !state.is_valid_at(now) {
            return Err(InvalidCredential::Expired.into());
        }
        self.note_use(&state, now);
        Ok(principal(&state))
    }

    async fn read(&self, id: &ApiKeyId, hash: [u8; 32]) -> Result<Arc<ApiKeyState>, Refusal> {
        let asked = self.environment.clock().instant();
        let row = self.tables.get(&self.table, &row_of(id)).await;
        let row = row.map_err(|error| Refusal::Unavailable(error.into()))?;
        // Compared also where there is nothing to compare with: both answers take the same time.
        let of_row = row.as_ref().and_then(hash_in).unwrap_or(&[0; 32]);
        let is_its_secret: bool = of_row.ct_eq(&hash).into();
        let row = row.filter(|_| is_its_secret).ok_or(InvalidCredential::UnknownApiKey)?;
        let Some(state) = ApiKeyState::read(&row) else {
            error!(key.id = %id, "row of an API key is malformed; the key is refused until it is restored");
            return Err(InvalidCredential::UnknownApiKey.into());
        };
        let state = Arc::new(state);
        if !self.kept_for.is_zero() {
            // From when it was asked for, not answered: it may have been revoked in between.
            let kept = Kept {
                state: Arc::clone(&state),
                until: asked + self.kept_for,
            };
            lock(&self.kept).put(hash, kept);
        }
        Ok(state)
    }

    fn kept(&self, hash: &[u8; 32]) -> Option<Arc<ApiKeyState>> {
        let now = self.environment.clock().instant();
        let mut kept = lock(&self.kept);
        let found = kept.get(hash)?;
        if now < found.until {
            return Some(Arc::clone(&found.state));
        }
        kept.pop(hash);
        None
    }

    /// Writes that the key was used, at most once a minute, beside the request. A process that ends before loses it.
    fn note_use(&self, state: &ApiKeyState, now: Timestamp) {
        let instant = self.environment.clock().instant();
        let is_recent = |written: &Instant| instant.saturating_duration_since(*written) < USE_WRITTEN_EVERY;
        {
            let mut written = lock(&self.written);
            if written.get(&state.id).is_some_and(is_recent) {
                return;
            }
            written.put(state.id.clone(), instant);
        }
        if state
            .last_used_at
            .is_some_and(|used| now.since(used) < USE_WRITTEN_EVERY)
        {
            return;
        }
        let minute_ago = now.unix_ms().saturating_sub(USE_WRITTEN_EVERY.as_millis() as i64);
        let minute_ago = Timestamp::from_unix_ms(minute_ago).to_string();
        let now = Timestamp::from_unix_ms(now.unix_ms()).to_string();
        // Times as text sort as times: all are written with milliseconds.
        let not_recent = Condition::absent(LAST_USED_AT).or(Condition::less(LAST_USED_AT, minute_ago));
        let update = self.table.update(row_of(&state.id)).set(LAST_USED_AT, now);
        let update = update.only_if(Condition::exists(KEY_ID).and(not_recent));
        let (tables, environment) = (Arc::clone(&self.tables), self.environment.clone());
        tokio::spawn(async move {
            let update = update.into();
            let written = environment.within(USE_WRITTEN_WITHIN, tables.write(&update)).await;
            match written {
                // Another process has written it.
                Some(Ok(()) | Err(DatabaseError::Cancelled(_))) => {}
                Some(Err(error)) => debug!(error = %error, "last use of an API key was not written"),
                None => debug!("last use of an API key was not written in time"),
            }
        });
    }
}

fn principal(state: &ApiKeyState) -> Principal {
    Principal {
        kind: PrincipalKind::ApiKey,
        subject: format!("key:{}", state.id),
        scopes: state.scopes.clone(),
        key_id: Some(state.id.to_string()),
        requests_per_minute: Some(state.rate_per_minute),
        until: state.expires_at,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ApiKeyVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiKeyVerifier")
            .field("table", &self.table)
            .field("kept_for", &self.kept_for)
            .finish_non_exhaustive()
    }
}
