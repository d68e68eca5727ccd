use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::authority::{Denial, Grant};
use crate::exceptions::Exceptions;

/// What a run did with what was granted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Roles and resources with policies.
    owners: Vec<Owner>,
    /// What was denied, and how often.
    denied: Vec<(Denial, u64)>,
    /// Exceptions for what nobody grants.
    stale: Vec<String>,
}

/// A role or a resource, and its grants.
#[derive(Clone, Debug, Serialize)]
struct Owner {
    name: String,
    used: Vec<(Grant, u64)>,
    unused: Vec<Grant>,
    /// With the reason.
    excepted: Vec<(Grant, String)>,
}

impl Report {
    pub(crate) fn of(
        granted: &BTreeSet<Grant>,
        used: &BTreeMap<Grant, u64>,
        denied: &BTreeMap<Denial, u64>,
        exceptions: &Exceptions,
    ) -> Self {
        let mut owners: BTreeMap<&str, Owner> = BTreeMap::new();
        for grant in granted {
            let owner = owners.entry(&grant.of).or_insert_with(|| Owner {
                name: grant.of.clone(),
                used: Vec::new(),
                unused: Vec::new(),
                excepted: Vec::new(),
            });
            match (used.get(grant), exceptions.reason(grant)) {
                (Some(times), _) => owner.used.push((grant.clone(), *times)),
                (None, Some(reason)) => owner.excepted.push((grant.clone(), reason.to_owned())),
                (None, None) => owner.unused.push(grant.clone()),
            }
        }
        let grants: Vec<&Grant> = granted.iter().collect();
        let stale = exceptions.for_nothing(&grants);
        Self {
            stale: stale
                .map(|one| format!("{}/{}: {}", one.of, one.statement, one.action))
                .collect(),
            owners: owners.into_values().collect(),
            denied: denied.iter().map(|(denial, times)| (denial.clone(), *times)).collect(),
        }
    }

    /// Whether anything was decided about at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty() && self.denied.is_empty()
    }

    /// What was denied, in words.
    #[must_use]
    pub fn denied(&self) -> Vec<String> {
        let line = |(denial, times): &(Denial, u64)| format!("{denial} ({times} times)");
        self.denied.iter().map(line).collect()
    }

    /// What was granted, never used, and is not argued for; in words.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let unused = self.owners.iter().flat_map(|owner| &owner.unused);
        unused.map(Grant::to_string).collect()
    }

    /// Exceptions that are for nothing.
    #[must_use]
    pub fn stale(&self) -> &[String] {
        &self.stale
    }

    /// A Markdown table of who was granted how much, and used it.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table =
            "| role or resource | granted | used | argued for | never used |\n|---|---|---|---|---|\n".to_owned();
        for Owner {
            name,
            used,
            unused,
            excepted,
        } in &self.owners
        {
            let granted = used.len() + unused.len() + excepted.len();
            // Writing to a text does not fail.
            let _ = writeln!(
                table,
                "| {name} | {granted} | {} | {} | {} |",
                used.len(),
                excepted.len(),
                unused.len()
            );
        }
        table
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            statement,
            action,
            resource,
        } = self;
        write!(formatter, "{of}/{statement}: {action} on {resource}")
    }
}
