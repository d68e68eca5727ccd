//! Least privilege, executed: every request of a deployed function is put to what its role was granted.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use onecommit_authority::{Authority, Exceptions, Report};

use crate::local_aws::{self, workspace};

static AUTHORITY: LazyLock<Arc<Authority>> = LazyLock::new(|| Arc::new(Authority::new()));
/// Set to `off`, functions speak to the local AWS themselves, to see what the difference costs.
const SWITCH: &str = "AUTHORITY";
/// For people who look at what the whole run used.
const REPORT: &str = "build/authority/report.json";
const TABLE: &str = "build/authority/roles.md";
const EXCEPTIONS: &str = "tests/authority/exceptions.json";

/// What decides in this run. `LocalStack` tells functions itself where it is.
pub(crate) fn of_this_run() -> Option<Arc<Authority>> {
    let is_off = std::env::var(SWITCH).is_ok_and(|switch| switch == "off") || local_aws::is_localstack();
    (!is_off).then(|| Arc::clone(&AUTHORITY))
}

/// Says what was denied, and, if every case ran, what was granted in vain. Whether nothing was denied.
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
    list("denied", "error: requests that no policy grants", &report.denied());
    let unused = report.unused();
    if every_case_ran {
        list(
            "unused",
            "warning: granted and never used; remove it, or argue for it in",
            &unused,
        );
        list("stale", "error: exceptions for what nobody grants in", report.stale());
    } else {
        eprintln!(
            "authority: {} grants were not used by these cases; {REPORT} lists them",
            unused.len()
        );
    }
    // What was used depends a little on who was quicker, so it is listed; what is missing, or argued in vain, is an error.
    (!every_case_ran || report.stale().is_empty()) && report.denied().is_empty()
}

fn list(kind: &str, heading: &str, lines: &[String]) {
    if !lines.is_empty() {
        let place = if kind == "denied" { "" } else { EXCEPTIONS };
        eprintln!("{heading} {place}");
        lines.iter().for_each(|line| eprintln!("  {line}"));
    }
}

fn keep(report: &Report) {
    let path: PathBuf = workspace().join(REPORT);
    let json = serde_json::to_string_pretty(report).unwrap();
    let kept = std::fs::create_dir_all(path.parent().unwrap())
        .and_then(|()| std::fs::write(&path, json))
        .and_then(|()| std::fs::write(workspace().join(TABLE), report.table()));
    if let Err(error) = kept {
        eprintln!("the report of what was granted and used is not kept: {error}");
    }
}
