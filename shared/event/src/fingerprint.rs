use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::aggregate::Aggregate;

/// A hash of what an event says: its type, its aggregate and its payload, whatever the order of the payload's fields
/// and the white space around them. SHA-256, cut to 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(crate) fn of(event_type: &str, aggregate: &Aggregate, payload: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [event_type, aggregate.kind(), aggregate.id()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // EventBridge writes the JSON anew on the way; a tree with sorted keys makes all copies equal again.
        match serde_json::from_str::<Value>(payload) {
            Ok(tree) => hash.update(tree.to_string()),
            Err(_) => hash.update(payload),
        }
        let mut cut = [0; 16];
        cut.copy_from_slice(&hash.finalize()[..16]);
        Self(cut)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}
