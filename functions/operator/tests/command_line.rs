//! The program as people and scripts start it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use onecommit_engine::TableReader;
use onecommit_testing::MemoryDatabase;

/// Enough for commands that end before they send a request.
const SETTINGS: [(&str, &str); 6] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("EVENTS_TABLE_NAME", "events"),
    ("LEDGER_TABLE_NAME", "ledger"),
    ("VIEWS_TABLE_NAME", "views"),
];

/// Runs the program with no variables but these.
fn operator(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_operator"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn all_missing_settings_are_reported_at_once() {
    let shown = operator(
        &["events", "show", "Order#ord_1"],
        &[("AWS_REQUEST_TIMEOUT_MS", "soon")],
    );
    assert_eq!(shown.status.code(), Some(1));
    assert!(shown.stdout.is_empty());
    let errors = text(&shown.stderr);
    for name in ["EVENTS_TABLE_NAME", "AWS_REGION", "AWS_REQUEST_TIMEOUT_MS"] {
        assert!(errors.contains(&format!("error: {name}")), "{errors}");
    }
}

#[test]
fn a_rebuild_requires_every_table_it_uses() {
    let rebuilt = operator(
        &["views", "rebuild", "daily-revenue"],
        &[("AWS_REGION", "eu-central-1")],
    );
    assert_eq!(rebuilt.status.code(), Some(1));
    let errors = text(&rebuilt.stderr);
    for name in ["EVENTS_TABLE_NAME", "LEDGER_TABLE_NAME", "VIEWS_TABLE_NAME"] {
        assert!(errors.contains(&format!("error: {name}")), "{errors}");
    }
}

#[test]
fn a_wrong_command_line_has_its_own_exit_code() {
    assert_eq!(operator(&["events", "shoe"], &[]).status.code(), Some(2));
    let unreadable = operator(&["events", "verify", "/nowhere/export.jsonl"], &[]);
    assert_eq!(unreadable.status.code(), Some(1));
    assert!(text(&unreadable.stderr).starts_with("error: cannot open /nowhere/export.jsonl"));
}

#[test]
fn help_and_completions_need_no_settings() {
    let help = operator(&["events", "export", "--help"], &[]);
    assert!(help.status.success());
    for flag in ["--from-time", "--to-time", "--output", "--json"] {
        assert!(text(&help.stdout).contains(flag), "{flag}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = operator(&["completions", shell], &[]);
        assert!(script.status.success());
        assert!(text(&script.stdout).contains("operator"), "{shell}");
    }
}

/// The names of the types below a folder that are aggregates.
fn aggregates_in(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            aggregates_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let names = source.lines().filter_map(|line| line.strip_prefix("impl Decider for "));
            found.extend(names.map(|name| name.trim_end_matches(" {").to_owned()));
        }
    }
}

#[test]
fn every_aggregate_of_the_storefront_is_known() {
    let mut aggregates = Vec::new();
    let storefront = Path::new(env!("CARGO_MANIFEST_DIR")).join("../storefront");
    aggregates_in(&storefront, &mut aggregates);
    assert!(!aggregates.is_empty());
    let refused = operator(&["events", "state", "Nothing#1"], &SETTINGS);
    let errors = text(&refused.stderr);
    let (_, known) = errors.split_once("it knows only ").expect(&errors);
    for aggregate in aggregates {
        assert!(known.contains(&aggregate), "{aggregate} is not known: {errors}");
    }
}

#[test]
fn every_view_of_the_storefront_is_known() {
    let rows: Arc<dyn TableReader> = Arc::new(MemoryDatabase::default());
    let views = storefront_views::storefront(&rows);
    assert!(!views.is_empty());
    let refused = operator(&["views", "rebuild", "nothing"], &SETTINGS);
    let errors = text(&refused.stderr);
    let (_, known) = errors.split_once("this program knows ").expect(&errors);
    for view in views {
        assert!(known.contains(view.name()), "{} is not known: {errors}", view.name());
    }
}
