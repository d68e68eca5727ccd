use std::fmt;
use std::marker::PhantomData;

use onecommit_environment::Timestamp;
use serde::{Deserialize, Serialize};

use crate::subject::Subject;

/// A `T` that only [`crate::Sealer::open`] can read, until its subject is forgotten.
///
/// As JSON it is an object that holds no more than this, the texts of bytes in Base64:
///
/// ```json
/// {"subject": "Customer#cus_7", "keyId": "0192f0c1-…", "algorithm": "A256GCM-2", "nonce": "…", "ciphertext": "…"}
/// ```
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Sealed<T> {
    pub(crate) subject: Subject,
    pub(crate) key_id: String,
    /// Kept as it came, also when it is unknown: an event can be read without opening what is sealed in it.
    pub(crate) algorithm: String,
    pub(crate) nonce: String,
    pub(crate) ciphertext: String,
    #[serde(skip)]
    pub(crate) value: PhantomData<fn() -> T>,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened<T> {
    /// The value.
    Known(T),
    /// Unreadable: the subject was forgotten.
    Forgotten {
        /// When.
        when: Timestamp,
    },
}

impl<T> Sealed<T> {
    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
}

impl<T> Opened<T> {
    /// The value, unless it was forgotten.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Forgotten { .. } => None,
        }
    }
}

// Derived, these would ask the same of `T`, of which there is none inside.

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self {
            subject: self.subject.clone(),
            key_id: self.key_id.clone(),
            algorithm: self.algorithm.clone(),
            nonce: self.nonce.clone(),
            ciphertext: self.ciphertext.clone(),
            value: PhantomData,
        }
    }
}

impl<T> PartialEq for Sealed<T> {
    /// Whether they are the same sealed value. Two sealings of one value are not.
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.key_id == other.key_id
            && self.algorithm == other.algorithm
            && self.nonce == other.nonce
            && self.ciphertext == other.ciphertext
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sealed")
            .field("subject", &self.subject)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
