use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::prepare::Prepared;

/// How many prepared queries are kept.
const QUERIES: NonZeroUsize = NonZeroUsize::new(500).unwrap();
/// The longest query that is kept, in bytes: the memory of all stays bounded.
const TEXT_BYTES_MAX: usize = 20_000;

/// The text of a query, and the name of the operation that is asked for.
type Key = (String, Option<String>);

/// Queries that were prepared before. They are told apart by their whole text, so that no two can be taken for each other.
pub(crate) struct PlanCache(Mutex<LruCache<Key, Arc<Prepared>>>);

impl Default for PlanCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(QUERIES)))
    }
}

impl PlanCache {
    pub(crate) fn get(&self, text: &str, operation: Option<&str>) -> Option<Arc<Prepared>> {
        let key = (text.to_owned(), operation.map(str::to_owned));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key).map(Arc::clone)
    }

    pub(crate) fn keep(&self, text: &str, operation: Option<&str>, prepared: &Arc<Prepared>) {
        if text.len() > TEXT_BYTES_MAX {
            return;
        }
        let key = (text.to_owned(), operation.map(str::to_owned));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(key, Arc::clone(prepared));
    }
}
