use serde::Deserialize;

use crate::authority::Grant;
use crate::pattern::matches;

/// A grant that may stay though no test uses it, and why. Names may have wildcards.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The role, or the resource, whose policy has it.
    pub of: String,
    /// The statement's `Sid`.
    pub statement: String,
    /// As the policy writes it.
    pub action: String,
    /// When it is needed.
    pub because: String,
}

/// All exceptions.
#[derive(Clone, Debug, Default)]
pub struct Exceptions(Vec<Exception>);

impl Exceptions {
    /// Reads a JSON list.
    ///
    /// # Errors
    /// When it is not one, or an exception is not argued.
    pub fn read(json: &str) -> Result<Self, String> {
        let exceptions: Vec<Exception> = serde_json::from_str(json)
            .map_err(|error| format!("the exceptions are not what they should be: {error}"))?;
        match exceptions.iter().find(|one| one.because.trim().is_empty()) {
            Some(one) => Err(format!(
                "the exception for {} of {} says no reason",
                one.statement, one.of
            )),
            None => Ok(Self(exceptions)),
        }
    }

    /// Why a grant may stay.
    #[must_use]
    pub(crate) fn reason(&self, grant: &Grant) -> Option<&str> {
        let found = self.0.iter().find(|one| one.is_for(grant));
        found.map(|one| one.because.as_str())
    }

    /// Exceptions for grants that nobody has.
    pub(crate) fn for_nothing<'a>(&'a self, grants: &'a [&Grant]) -> impl Iterator<Item = &'a Exception> {
        self.0
            .iter()
            .filter(|one| !grants.iter().any(|grant| one.is_for(grant)))
    }
}

impl Exception {
    fn is_for(&self, grant: &Grant) -> bool {
        matches(&self.of, &grant.of)
            && matches(&self.statement, &grant.statement)
            && matches(&self.action, &grant.action)
    }
}
