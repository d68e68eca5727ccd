use std::fmt;

use onecommit_json::{Canonical, NumberForms, canonical};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::aggregate::Aggregate;

/// A hash of an event's content: its type, its aggregate and its payload as a JSON value, whatever the order of the
/// payload's members, the notation of its numbers and the white space around them. SHA-256, cut to 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub(crate) fn of(event_type: &str, aggregate: &Aggregate, payload: &RawValue) -> Self {
        // Every event's payload has been checked to have a canonical text.
        match canonical(payload) {
            Some(Canonical { text, .. }) => Self::of_text(event_type, aggregate, &text),
            None => Self::of_text(event_type, aggregate, payload.get()),
        }
    }

    /// What the fingerprint of the same event was before numbers were compared by their exact values: every fraction and
    /// every exponent went through a double, which took `2.0` and `2` for different and `0.1` and `0.10000000000000000001`
    /// for the same. `None` where the two agree, and where the payload has numbers that no double holds: an old
    /// fingerprint of such a payload stands for others, too.
    pub(crate) fn before_exact_numbers(event_type: &str, aggregate: &Aggregate, payload: &RawValue) -> Option<Self> {
        if canonical(payload)?.numbers != NumberForms::Doubles {
            return None;
        }
        let tree: Value = serde_json::from_str(payload.get()).ok()?;
        Some(Self::of_text(event_type, aggregate, &tree.to_string()))
    }

    fn of_text(event_type: &str, aggregate: &Aggregate, payload: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [event_type, aggregate.kind(), aggregate.id()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(payload);
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
