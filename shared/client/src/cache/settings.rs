use std::time::Duration;

/// How long answers of `GET` are kept. What the service says of an answer (`Cache-Control`, `Expires`, `Vary`, `ETag`) comes
/// first.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// Of an answer for which the service names no time: 60 s if it is not set.
    pub fresh_for: Duration,
    /// How much longer an answer may stand in while the service is not working, marked as stale: 10 minutes if it is not
    /// set. The service's own `stale-if-error` can only shorten it, and `must-revalidate` forbids it.
    pub stale_if_error: Duration,
    /// How much longer an answer may be given while the service is asked beside the call, marked as stale: not at all if it
    /// is not set. The service's own `stale-while-revalidate` can only shorten it.
    pub stale_while_revalidate: Duration,
    /// How many answers are kept; of more, those that were not used for the longest time go: 1000 if it is not set.
    pub entries_max: usize,
    /// The bytes of their bodies together: 16 MiB if it is not set.
    pub bytes_max: usize,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(60),
            stale_if_error: Duration::from_secs(600),
            stale_while_revalidate: Duration::ZERO,
            entries_max: 1_000,
            bytes_max: 16 << 20,
        }
    }
}

/// In a request's extensions: whether the cache has a part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheUse {
    On,
    Off,
}
