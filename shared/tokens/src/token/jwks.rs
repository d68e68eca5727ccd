//! The keys of an issuer, brought up to date when a token names one that is not there.
//!
//! ```text
//! kid known            -> no request
//! kid unknown          -> one request, then none for the cooldown, whatever else is asked for
//! the endpoint is down -> the keys of before stay
//! an empty set, junk   -> the keys of before stay
//! ```

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use onecommit_environment::Environment;
use tracing::{info, warn};

use crate::refusal::Refusal;
use crate::token::key::KeySet;

/// After a request for keys, unknown key ids cause no other for so long.
const COOLDOWN: Duration = Duration::from_secs(30);
/// The same while no keys are there at all, and every token is turned away.
const COOLDOWN_WITHOUT_KEYS: Duration = Duration::from_secs(1);
/// Keys are asked for again after so long, so that one that was taken back is not accepted for ever.
const REFRESH_AFTER: Duration = Duration::from_secs(600);
/// The longest wait for the endpoint.
const FETCH_MAX: Duration = Duration::from_secs(3);

/// Where an issuer publishes its keys: the port through which a key set is fetched.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The JSON Web Key Set as it is now. It may be called again at any time, and is cut off after 3 s.
    ///
    /// # Errors
    /// When there is no answer, or one that is not a success.
    async fn fetch(&self) -> Result<String, KeySourceError>;
}

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys could not be fetched")]
pub struct KeySourceError(#[source] pub Box<dyn Error + Send + Sync>);

/// The keys of one issuer.
pub struct Jwks {
    source: Option<Arc<dyn KeySource>>,
    environment: Environment,
    state: Mutex<State>,
    /// Held by the one who asks.
    asking: tokio::sync::Mutex<()>,
}

struct State {
    held: Held,
    asked_at: Option<Instant>,
    /// Whether any set was ever there.
    is_filled: bool,
}

/// A set of keys, and how many came before it.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) keys: Arc<KeySet>,
    pub(crate) generation: u64,
}

impl Jwks {
    /// Keys that do not change while the process runs.
    #[must_use]
    pub fn fixed(keys: KeySet, environment: Environment) -> Self {
        Self::new(None, keys, environment, true)
    }

    /// Keys that are fetched when the first token comes, and when one names a key that is not there: at most once in 30 s.
    /// They are asked for again after 10 minutes; while the source does not answer, those of before stay.
    #[must_use]
    pub fn fetched(source: Arc<dyn KeySource>, environment: Environment) -> Self {
        Self::new(Some(source), KeySet::default(), environment, false)
    }

    fn new(source: Option<Arc<dyn KeySource>>, keys: KeySet, environment: Environment, is_filled: bool) -> Self {
        let held = Held {
            keys: Arc::new(keys),
            generation: 0,
        };
        Self {
            source,
            environment,
            state: Mutex::new(State {
                held,
                asked_at: None,
                is_filled,
            }),
            asking: tokio::sync::Mutex::new(()),
        }
    }

    /// The keys that are there, without a request.
    pub(crate) fn held(&self) -> Held {
        self.lock().held.clone()
    }

    /// The keys, with the one of this id if the issuer has it.
    pub(crate) async fn with_key(&self, id: &str) -> Result<Held, Refusal> {
        let Some(source) = &self.source else {
            return Ok(self.held());
        };
        if self.is_settled(id) {
            return self.filled();
        }
        let _asking = match self.held().keys.find(id) {
            // Whoever waited here finds the answer to the request of another.
            None => self.asking.lock().await,
            Some(_) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return self.filled(),
            },
        };
        if self.is_settled(id) {
            return self.filled();
        }
        let fetched = self.environment.within(FETCH_MAX, source.fetch()).await;
        self.lock().asked_at = Some(self.environment.clock().instant());
        let problem: Box<dyn Error + Send + Sync> = match fetched {
            None => "the issuer's keys did not come in time".into(),
            Some(Err(error)) => error.into(),
            Some(Ok(text)) => match KeySet::from_json(&text) {
                Err(error) => error.into(),
                Ok(keys) => {
                    self.take(keys);
                    return Ok(self.held());
                }
            },
        };
        warn!(error = %problem, "keys of an issuer could not be refreshed; those of before are used");
        let state = self.lock();
        match state.is_filled {
            true => Ok(state.held.clone()),
            false => Err(Refusal::Unavailable(problem)),
        }
    }

    /// Whether nothing is to be asked for: the key is there and not old, or the cooldown has not passed.
    fn is_settled(&self, id: &str) -> bool {
        let state = self.lock();
        let now = self.environment.clock().instant();
        let since = state.asked_at.map(|asked| now.saturating_duration_since(asked));
        match since {
            None => false,
            Some(since) if !state.is_filled => since < COOLDOWN_WITHOUT_KEYS,
            Some(since) if since < COOLDOWN => true,
            Some(since) => since < REFRESH_AFTER && state.held.keys.find(id).is_some(),
        }
    }

    /// The keys that are there, if any ever were.
    fn filled(&self) -> Result<Held, Refusal> {
        match self.lock() {
            state if state.is_filled => Ok(state.held.clone()),
            _ => Err(Refusal::Unavailable("the issuer's keys could not be fetched".into())),
        }
    }

    fn take(&self, keys: KeySet) {
        let mut state = self.lock();
        state.is_filled = true;
        if *state.held.keys != keys {
            info!(keys = ?keys, "keys of an issuer have changed");
            state.held = Held {
                keys: Arc::new(keys),
                generation: state.held.generation + 1,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Jwks({:?})", self.held().keys)
    }
}
