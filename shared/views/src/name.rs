use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a view: lower-case letters, digits and hyphens, starting with a letter, at most 48 bytes. It is part of
/// the keys of the view's rows and of its ledger rows, so it never changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewName(String);

/// Which making of a view: 1 for the first, one more for each rebuild. A number is never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u64);

/// A text that cannot be the name of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidViewName(String);

const BYTES_MAX: usize = 48;

impl ViewName {
    /// A name.
    ///
    /// # Errors
    /// When the text has other characters, does not start with a letter, or is too long.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidViewName> {
        let name = name.into();
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if starts && name.len() <= BYTES_MAX && name.bytes().all(fits) {
            Ok(Self(name))
        } else {
            Err(InvalidViewName(name))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which the ledger remembers what a generation of the view has handled.
    pub(crate) fn consumer(&self, generation: Generation) -> String {
        format!("{self}@{generation}")
    }
}

impl Generation {
    /// The one that a view starts with.
    pub const FIRST: Self = Self(1);
    /// Before the first.
    pub(crate) const NONE: Self = Self(0);

    /// The one after this.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for InvalidViewName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(2 * BYTES_MAX).collect();
        write!(
            formatter,
            "{shown:?} cannot name a view: use lower-case letters, digits and hyphens, a letter first, at most \
             {BYTES_MAX} in all"
        )
    }
}

impl std::error::Error for InvalidViewName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_taken_for_the_rows_of_another_view() {
        for name in [
            "",
            "1st",
            "-a",
            "Orders",
            "orders#1",
            "orders@1",
            "a b",
            "ä",
            &"x".repeat(49),
        ] {
            assert!(ViewName::new(name).is_err(), "{name:?}");
        }
        let name = ViewName::new("orders-by-customer2").unwrap();
        assert_eq!(name.consumer(Generation::FIRST.next()), "orders-by-customer2@2");
    }
}
