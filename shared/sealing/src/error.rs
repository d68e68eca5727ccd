use onecommit_engine::DatabaseError;
use onecommit_environment::Timestamp;

use crate::randomness::NoRandomness;
use crate::subject::{InvalidSubject, Subject};
use crate::wrap::WrapError;

/// Why a value was not sealed or opened. No variant reveals anything about the value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The subject was forgotten: nothing is sealed for it any more. Leave the field out.
    #[error("{subject} was forgotten at {when}; nothing can be sealed for it any more")]
    Forgotten {
        /// Whose value it was to be.
        subject: Subject,
        /// When it was forgotten.
        when: Timestamp,
    },
    /// The subject's row does not exist, neither key nor tombstone: it was deleted by other means, or this is another table.
    #[error("there is neither a key nor a tombstone of {subject}; check that this is the table it was sealed with")]
    NoKey {
        /// Whose value it is.
        subject: Subject,
    },
    /// The subject's row holds no key. It is never replaced: what was sealed before would be lost for good.
    #[error("the row of {subject} holds no valid key: {problem}; restore or correct the row")]
    CorruptKey {
        /// Whose key it is.
        subject: Subject,
        /// What is wrong.
        problem: &'static str,
    },
    /// The value names another key than its subject has: it was moved here from another subject, or the row was deleted
    /// and made anew.
    #[error("the value names key {sealed_with}, and the key of {subject} is {found}")]
    OtherKey {
        /// Whose value it is said to be.
        subject: Subject,
        /// The key it names.
        sealed_with: String,
        /// The key the subject has.
        found: String,
    },
    /// The value was changed, or sealed for another subject or field.
    #[error("the value sealed for {subject} cannot be opened as {field}: it was changed or moved")]
    Tampered {
        /// Whose value it is said to be.
        subject: Subject,
        /// Which field it is said to be.
        field: &'static str,
    },
    /// The value was sealed by newer code.
    #[error("a value of {subject} was sealed with {algorithm}, which this code does not know; deploy the newer code")]
    UnknownAlgorithm {
        /// Whose value it is.
        subject: Subject,
        /// How it was sealed.
        algorithm: String,
    },
    /// The sealed data is not of the requested type. The difference is not reported, since it would reveal content.
    #[error("the data sealed for {subject} is not a {expected}")]
    NotOfType {
        /// Whose value it is.
        subject: Subject,
        /// The type that was asked for.
        expected: &'static str,
    },
    /// There is no such subject.
    #[error(transparent)]
    Subject(#[from] InvalidSubject),
    /// The value cannot be written as JSON.
    #[error("a {type_name} cannot be written as JSON")]
    NoJson {
        /// The type of the value.
        type_name: &'static str,
    },
    /// The value has more bytes than the cipher takes, 64 GB.
    #[error("the value of {subject} is too large to be sealed")]
    TooLarge {
        /// Whose value it is.
        subject: Subject,
    },
    /// What wraps keys did not wrap or unwrap the subject's.
    #[error("the key of {subject} was not wrapped or unwrapped")]
    Wrap {
        /// Whose key it is.
        subject: Subject,
        /// What the wrapping service said.
        source: WrapError,
    },
    /// There is no randomness for a key or a nonce.
    #[error("nothing can be sealed without randomness")]
    Randomness(#[from] NoRandomness),
    /// The table of keys could not be read or written.
    #[error("the table of subject keys is not available")]
    Database(#[from] DatabaseError),
}

impl SealError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Randomness(_) | Self::Database(DatabaseError::Transient(..)) => true,
            Self::Wrap { source, .. } => matches!(source, WrapError::Unavailable(_)),
            _ => false,
        }
    }
}
