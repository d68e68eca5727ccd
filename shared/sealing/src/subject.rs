use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose data it is: all that is sealed for one subject is forgotten at once.
///
/// It stays readable in every event, so it is an id that means nothing elsewhere: never a name or an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

/// The longest subject, in bytes: half of what DynamoDB takes as a partition key.
const SUBJECT_BYTES_MAX: usize = 1024;

/// A text that cannot name a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1 to {SUBJECT_BYTES_MAX} bytes and no control characters; this one has {bytes} bytes")]
pub struct InvalidSubject {
    bytes: usize,
}

impl Subject {
    /// Names a subject.
    ///
    /// # Errors
    /// When the text is empty, longer than 1024 bytes, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSubject> {
        let text = text.into();
        let bytes = text.len();
        if (1..=SUBJECT_BYTES_MAX).contains(&bytes) && !text.chars().any(char::is_control) {
            Ok(Self(text))
        } else {
            Err(InvalidSubject { bytes })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Subject {
    type Error = InvalidSubject;

    fn try_from(text: String) -> Result<Self, InvalidSubject> {
        Self::new(text)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

/// Which field of which payload a value belongs to, for example `CustomerRegistered.address`.
///
/// A value opens only as the field it was sealed for, so that nobody can move it to where more people may read it. The
/// name is part of every sealed value: it must not change any more, even when the field is renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(&'static str);

impl Field {
    /// The field of this name.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}
