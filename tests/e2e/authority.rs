//! Least privilege, executed: every request of a deployed function is put to what its role was granted.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use onecommit_authority::{Authority, Exceptions, Report};

use crate::local_aws::{self, workspace};

static AUTHORITY: LazyLock<Arc<Authority>> = LazyLock::new(|| Arc::new(Authority::new()));
/// Set to `off`, functions speak to the local AWS themselves, to see what the difference costs.
const SWITCH: &str = "AUTHORITY";
/// For people who look at what the whole run used.
const REPORT: &str = "build/authority/report.json";
const COUNTS: &str = "build/authority/counts.md";
const EXCEPTIONS: &str = "tests/authority/exceptions.json";
/// What the documentation has between these lines is what the stacks grant.
const DOCUMENTATION: &str = "docs/roles.md";
const BEGIN: &str = "<!-- grants: begin, written by `make roles` -->\n";
const END: &str = "<!-- grants: end -->\n";
/// Set to `write`, the documentation is made to say what was deployed.
const ROLES: &str = "ROLES";

/// What decides in this run. `LocalStack` tells functions itself where it is.
pub(crate) fn of_this_run() -> Option<Arc<Authority>> {
    let is_off = std::env::var(SWITCH).is_ok_and(|switch| switch == "off") || local_aws::is_localstack();
    (!is_off).then(|| Arc::clone(&AUTHORITY))
}

/// Says what was denied, and, if every case ran, what was granted or argued for in vain. Whether all is well.
pub(crate) fn conclude(every_case_ran: bool) -> bool {
    if of_this_run().is_none() {
        return true;
    }
    let exceptions = std::fs::read_to_string(workspace().join(EXCEPTIONS)).map_err(|error| error.to_string());
    let exceptions = exceptions
        .and_then(|json| Exceptions::read(&json))
        .unwrap_or_else(|problem| {
            eprintln!("error: {EXCEPTIONS}: {problem}");
            std::process::exit(1)
        });
    let report = AUTHORITY.report(&exceptions);
    if report.is_empty() {
        return true;
    }
    keep(&report);
    list("error: requests that no policy grants", &report.denied());
    let outdated = documentation(report.tables(), every_case_ran).unwrap_or_else(|error| vec![error.to_string()]);
    list(
        &format!("error: {DOCUMENTATION} does not say what was deployed; run `make roles`"),
        &outdated,
    );
    let is_allowed_and_said = report.denied().is_empty() && outdated.is_empty();
    let unused = report.unused();
    if !every_case_ran {
        eprintln!(
            "authority: {} grants were not used by these cases; {REPORT} lists them",
            unused.len()
        );
        return is_allowed_and_said;
    }
    list(
        &format!("error: granted and never used; remove it, or argue for it in {EXCEPTIONS}"),
        &unused,
    );
    list(
        &format!("error: remove these exceptions from {EXCEPTIONS}"),
        report.stale(),
    );
    is_allowed_and_said && unused.is_empty() && report.stale().is_empty()
}

/// Roles and resources of which the documentation says something else than what was deployed. What these cases did not
/// deploy is left out of account, unless every case ran.
fn documentation(deployed: &BTreeMap<String, String>, every_case_ran: bool) -> io::Result<Vec<String>> {
    let path = workspace().join(DOCUMENTATION);
    let text = std::fs::read_to_string(&path)?;
    let no_place = || io::Error::other(format!("{DOCUMENTATION} has no place for what is granted"));
    let (before, rest) = text.split_once(BEGIN).ok_or_else(no_place)?;
    let (said, after) = rest.split_once(END).ok_or_else(no_place)?;
    let said = sections(said);
    if std::env::var(ROLES).is_ok_and(|roles| roles == "write") {
        let kept = said.into_iter().filter(|_| !every_case_ran);
        let mut all: BTreeMap<String, String> = kept.collect();
        all.extend(deployed.clone());
        let all: Vec<String> = all.into_values().collect();
        std::fs::write(&path, format!("{before}{BEGIN}\n{}\n{END}{after}", all.join("\n")))?;
        return Ok(Vec::new());
    }
    let missing = deployed.iter().filter(|(owner, section)| match said.get(*owner) {
        Some(said) if every_case_ran => said != *section,
        Some(said) => !is_part_of(section, said),
        None => true,
    });
    let gone = said
        .keys()
        .filter(|owner| every_case_ran && !deployed.contains_key(*owner));
    Ok(missing.map(|(owner, _)| owner).chain(gone).cloned().collect())
}

/// Whether one section says nothing that the other does not say. Single cases may deploy a stack with other parameters, in which a
/// role is granted less.
fn is_part_of(section: &str, whole: &str) -> bool {
    let said: Vec<&str> = whole.lines().collect();
    section.lines().all(|line| said.contains(&line))
}

/// Sections by the role or resource that they are about, the first word of their headings.
fn sections(text: &str) -> BTreeMap<String, String> {
    let sections = text.split("### ").skip(1);
    let named = |section: &str| {
        let owner = section.split_whitespace().next().unwrap_or_default().to_owned();
        (owner, format!("### {}\n", section.trim_end()))
    };
    sections.map(named).collect()
}

fn list(heading: &str, lines: &[String]) {
    if !lines.is_empty() {
        eprintln!("{heading}");
        lines.iter().for_each(|line| eprintln!("  {line}"));
    }
}

fn keep(report: &Report) {
    let path: PathBuf = workspace().join(REPORT);
    let json = serde_json::to_string_pretty(report).unwrap();
    let kept = std::fs::create_dir_all(path.parent().unwrap())
        .and_then(|()| std::fs::write(&path, json))
        .and_then(|()| std::fs::write(workspace().join(COUNTS), report.counts()));
    if let Err(error) = kept {
        eprintln!("the report of what was granted and used is not kept: {error}");
    }
}
