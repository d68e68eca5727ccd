use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Request;
use lru::LruCache;
use onecommit_environment::Timestamp;

use super::entry::{Entry, Fit};
use super::key::Key;
use super::settings::CacheSettings;

/// How many answers to one address are kept, told apart by the service's `Vary`.
const VARIANTS_MAX: usize = 8;

/// The answers that are kept, within their limits.
pub(super) struct Store {
    kept: Mutex<Kept>,
    entries_max: usize,
    bytes_max: usize,
}

struct Kept {
    variants: LruCache<Key, Vec<Entry>>,
    bytes: usize,
}

impl Store {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let kept = Kept {
            variants: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            kept: Mutex::new(kept),
            entries_max: settings.entries_max,
            bytes_max: settings.bytes_max,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry that answers this request, and how.
    pub(super) fn find(&self, key: &Key, request: &Request<Bytes>, now: Timestamp) -> Option<(Entry, Fit)> {
        let mut kept = self.kept();
        let variants = kept.variants.get(key)?;
        variants.iter().find_map(|entry| match entry.fit(request, now) {
            Fit::Other => None,
            fit => Some((entry.clone(), fit)),
        })
    }

    /// Keeps an answer in the place of the one that answered the same request before.
    pub(super) fn put(&self, key: Key, request: &Request<Bytes>, entry: Entry, now: Timestamp) {
        let mut kept = self.kept();
        let mut variants = kept.take(&key);
        variants.retain(|other| matches!(other.fit(request, now), Fit::Other));
        variants.truncate(VARIANTS_MAX - 1);
        variants.insert(0, entry);
        kept.bytes += variants.iter().map(Entry::bytes).sum::<usize>();
        kept.variants.push(key, variants);
        while kept.variants.len() > self.entries_max || kept.bytes > self.bytes_max {
            let Some((_, gone)) = kept.variants.pop_lru() else {
                break;
            };
            kept.bytes -= gone.iter().map(Entry::bytes).sum::<usize>();
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        self.kept().take(key);
    }
}

impl Kept {
    fn take(&mut self, key: &Key) -> Vec<Entry> {
        let variants = self.variants.pop(key).unwrap_or_default();
        self.bytes -= variants.iter().map(Entry::bytes).sum::<usize>();
        variants
    }
}
