use std::collections::BTreeSet;
use std::fmt;

/// The most scopes of one principal.
const SCOPES_MAX: usize = 100;
/// The longest scope, in bytes.
const SCOPE_BYTES_MAX: usize = 128;

/// What a principal may do: a set of names such as `catalog:read`, written with blanks between them (RFC 6749, 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scopes(BTreeSet<String>);

/// A scope that cannot be sent in a token or a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Characters that RFC 6749 does not let a scope have.
    #[error("a scope is 1 to {SCOPE_BYTES_MAX} visible ASCII characters without quotes and backslashes")]
    Name,
    /// More of them than a token holds.
    #[error("there are more than {SCOPES_MAX} scopes")]
    TooMany,
}

impl Scopes {
    /// No scope at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Scopes with blanks between them.
    ///
    /// # Errors
    /// When one has a character that RFC 6749 does not let a scope have, or there are more than 100.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::of(text.split(' ').filter(|scope| !scope.is_empty()))
    }

    /// These scopes.
    ///
    /// # Errors
    /// As of [`Scopes::parse`].
    pub fn of<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, InvalidScope> {
        let mut set = BTreeSet::new();
        for scope in scopes {
            let scope = scope.as_ref();
            if !is_scope(scope) {
                return Err(InvalidScope::Name);
            }
            set.insert(scope.to_owned());
            if set.len() > SCOPES_MAX {
                return Err(InvalidScope::TooMany);
            }
        }
        Ok(Self(set))
    }

    /// Whether all scopes of `demanded` are among these.
    #[must_use]
    pub fn cover(&self, demanded: &Self) -> bool {
        demanded.0.is_subset(&self.0)
    }

    /// Those that are in both.
    #[must_use]
    pub fn common_with(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Each of them, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// RFC 6749, 3.3: `%x21 / %x23-5B / %x5D-7E`. Nothing that could end a quoted string of a header.
fn is_scope(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=SCOPE_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(formatter, "{blank}{scope}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set_in_any_order() {
        let scopes = Scopes::parse("orders:write  catalog:read orders:write").unwrap();
        assert_eq!(scopes.to_string(), "catalog:read orders:write");
        assert!(scopes.cover(&Scopes::parse("catalog:read").unwrap()));
        assert!(!scopes.cover(&Scopes::parse("catalog:read users:read").unwrap()));
        assert!(scopes.cover(&Scopes::none()));
    }

    #[test]
    fn a_scope_that_could_end_a_header_is_refused() {
        for scope in ["a\"b", "a\\b", "a\r\nb", "ä", "a\u{7f}"] {
            assert_eq!(Scopes::of([scope]), Err(InvalidScope::Name), "{scope:?}");
        }
        assert_eq!(Scopes::of([""]), Err(InvalidScope::Name));
        assert_eq!(Scopes::of(["a".repeat(129)]), Err(InvalidScope::Name));
        let many = (0..101).map(|number| format!("s{number}"));
        assert_eq!(Scopes::of(many), Err(InvalidScope::TooMany));
    }
}
