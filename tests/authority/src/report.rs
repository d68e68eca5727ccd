use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::authority::{Denial, Grant};
use crate::exceptions::Exceptions;
use crate::tables;

/// What a run did with what was granted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Roles and resources with policies.
    owners: Vec<Owner>,
    /// What was denied, and how often.
    denied: Vec<(Denial, u64)>,
    /// Exceptions for what nobody grants, or what is used without them.
    stale: Vec<String>,
    /// What is granted, for the documentation.
    #[serde(skip)]
    tables: BTreeMap<String, String>,
}

/// A role or a resource, and its grants.
#[derive(Clone, Debug, Serialize)]
struct Owner {
    name: String,
    /// That have this role.
    functions: BTreeSet<String>,
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
        functions: &BTreeMap<String, BTreeSet<String>>,
        exceptions: &Exceptions,
    ) -> Self {
        let mut owners: BTreeMap<&str, Owner> = BTreeMap::new();
        for grant in granted {
            let owner = owners.entry(&grant.of).or_insert_with(|| Owner {
                name: grant.of.clone(),
                functions: functions.get(&grant.of).cloned().unwrap_or_default(),
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
        Self {
            stale: exceptions.stale(granted, |grant| used.contains_key(grant)),
            tables: tables::of(granted, functions, exceptions),
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

    /// For each role and resource a section in Markdown of what it grants, and why where not every run uses it. It says
    /// the same after every run.
    #[must_use]
    pub fn tables(&self) -> &BTreeMap<String, String> {
        &self.tables
    }

    /// A Markdown table of who was granted how much, and used it in this run.
    #[must_use]
    pub fn counts(&self) -> String {
        let head = "| role or resource | granted | used | argued for | never used |\n|---|---|---|---|---|\n";
        let row = |owner: &Owner| {
            let (used, excepted, unused) = (owner.used.len(), owner.excepted.len(), owner.unused.len());
            let granted = used + excepted + unused;
            format!("| {} | {granted} | {used} | {excepted} | {unused} |\n", owner.name)
        };
        let rows = self.owners.iter().map(row);
        std::iter::once(head.to_owned()).chain(rows).collect()
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
