use std::collections::BTreeSet;

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
    /// Whether a run may use it or not, because that depends on who is quicker. Otherwise an exception for what is used is
    /// one too many.
    #[serde(default)]
    pub sometimes: bool,
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

    /// Exceptions for what nobody is granted, and for what is always used; each with what is wrong with it.
    pub(crate) fn stale(&self, granted: &BTreeSet<Grant>, is_used: impl Fn(&Grant) -> bool) -> Vec<String> {
        let wrong = |one: &Exception| {
            let grants: Vec<&Grant> = granted.iter().filter(|grant| one.is_for(grant)).collect();
            if grants.is_empty() {
                return Some("nobody is granted this");
            }
            let is_in_vain = !one.sometimes && grants.into_iter().all(&is_used);
            is_in_vain.then_some("all of this was used")
        };
        let line = |one: &Exception| Some(format!("{}/{}: {}: {}", one.of, one.statement, one.action, wrong(one)?));
        self.0.iter().filter_map(line).collect()
    }
}

impl Exception {
    fn is_for(&self, grant: &Grant) -> bool {
        matches(&self.of, &grant.of)
            && matches(&self.statement, &grant.statement)
            && matches(&self.action, &grant.action)
    }
}
