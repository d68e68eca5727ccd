use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::keys::SubjectKey;
use crate::subject::Subject;

/// Forgetting takes effect everywhere after this long, at most.
pub(crate) const KEPT_MAX: Duration = Duration::from_secs(60);
/// How many keys a process keeps, about 200 bytes each.
const KEYS_MAX: usize = 1_000;

/// Keys that were read a moment ago. Tombstones are not kept: they never change, but they are rare.
pub(crate) struct Cache {
    kept_for: Duration,
    keys: Mutex<HashMap<Subject, Kept>>,
}

struct Kept {
    key: Arc<SubjectKey>,
    until: Instant,
}

impl Cache {
    /// Keeps keys for so long, at most a minute; for no time, none.
    pub(crate) fn keeping_for(duration: Duration) -> Self {
        Self {
            kept_for: duration.min(KEPT_MAX),
            keys: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, subject: &Subject, now: Instant) -> Option<Arc<SubjectKey>> {
        if self.kept_for.is_zero() {
            return None;
        }
        let keys = self.lock();
        let kept = keys.get(subject).filter(|kept| now < kept.until)?;
        Some(Arc::clone(&kept.key))
    }

    /// Keeps a key that was asked for at `asked`: not when the answer came, since it may have been forgotten in between.
    pub(crate) fn keep(&self, subject: &Subject, key: &Arc<SubjectKey>, asked: Instant) {
        if self.kept_for.is_zero() {
            return;
        }
        let mut keys = self.lock();
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, kept| asked < kept.until);
        }
        if keys.len() >= KEYS_MAX {
            let first_to_end = keys.iter().min_by_key(|(_, kept)| kept.until);
            if let Some(subject) = first_to_end.map(|(subject, _)| subject.clone()) {
                keys.remove(&subject);
            }
        }
        let kept = Kept {
            key: Arc::clone(key),
            until: asked + self.kept_for,
        };
        keys.insert(subject.clone(), kept);
    }

    pub(crate) fn forget(&self, subject: &Subject) {
        self.lock().remove(subject);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, Kept>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
