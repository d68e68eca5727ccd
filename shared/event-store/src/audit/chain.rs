use sha2::{Digest, Sha256};

use crate::audit::hash::Hash;

/// The hash of the header's text, from which the first event's follows.
pub(crate) fn start(header: &str) -> Hash {
    Hash(Sha256::digest(header.as_bytes()).into())
}

/// The hash of an event that follows `previous`. Each text has its length before it, so that no two events hash alike
/// because one's end is the other's beginning.
pub(crate) fn follow(previous: Hash, line: u64, stream: &str, version: u64, event: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(previous.0);
    hash.update(line.to_be_bytes());
    hash.update((stream.len() as u64).to_be_bytes());
    hash.update(stream);
    hash.update(version.to_be_bytes());
    hash.update((event.len() as u64).to_be_bytes());
    hash.update(event);
    Hash(hash.finalize().into())
}
