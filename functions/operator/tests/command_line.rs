//! The program as people and scripts start it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::process::{Command, Output};

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
fn everything_that_is_missing_is_told_at_once_and_the_exit_code_is_1() {
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
fn a_rebuild_asks_for_every_table_it_touches() {
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
fn a_wrong_command_line_is_told_apart_from_a_command_that_failed() {
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
