//! What is granted, for readers: a section for each role, with its functions, and for each resource with a policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::authority::Grant;
use crate::exceptions::Exceptions;

const HEAD: &str = "| statement | on | actions | not used by the tests, because |\n|---|---|---|---|\n";

pub(crate) fn of(
    granted: &BTreeSet<Grant>,
    functions: &BTreeMap<String, BTreeSet<String>>,
    exceptions: &Exceptions,
) -> BTreeMap<String, String> {
    let owners: BTreeSet<&str> = granted.iter().map(|grant| grant.of.as_str()).collect();
    let section = |owner: &str| {
        let grants = granted.iter().filter(|grant| grant.of == owner);
        let title = match functions.get(owner) {
            Some(functions) => format!("{owner} ({})", joined(functions)),
            None => owner.to_owned(),
        };
        format!("### {title}\n\n{HEAD}{}", rows(grants, exceptions))
    };
    owners
        .into_iter()
        .map(|owner| (owner.to_owned(), section(owner)))
        .collect()
}

/// One row for the actions of a statement on a resource that every run uses, and one for each argument.
fn rows<'a>(grants: impl Iterator<Item = &'a Grant>, exceptions: &Exceptions) -> String {
    let mut rows: BTreeMap<(&str, &str, &str), BTreeSet<String>> = BTreeMap::new();
    for grant in grants {
        let because = exceptions.reason(grant).unwrap_or_default();
        let row = (grant.statement.as_str(), grant.resource.as_str(), because);
        rows.entry(row).or_default().insert(format!("`{}`", grant.action));
    }
    let row = |((statement, resource, because), actions): (&(&str, &str, &str), &BTreeSet<String>)| {
        format!("| {statement} | `{resource}` | {} | {because} |\n", joined(actions))
    };
    rows.iter().map(row).collect()
}

fn joined(texts: &BTreeSet<String>) -> String {
    texts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
