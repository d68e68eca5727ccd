//! JSON from outside is read by `onecommit-json` alone: serde by itself takes a list for an object, and a body extractor of
//! axum's does as serde does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::root;

/// Other ways to read JSON.
const WAYS: &[&str] = &[
    "serde_json::from_str",
    "serde_json::from_slice",
    "serde_json::from_value",
    "serde_json::from_reader",
    "serde_json::Deserializer",
    "axum::Json",
    "extract::Json",
];

/// Who may, since what it reads was written by this program, or is AWS's own.
const MAY: &[(&str, &str)] = &[
    ("shared/json/", "it is the one way"),
    ("shared/api/src/body.rs", "axum's writes answers"),
    ("shared/api/src/error.rs", "axum's writes answers"),
    (
        "shared/audit/",
        "files of events that this program wrote, checked by their hashes",
    ),
    (
        "shared/context/catalog/src/reservation.rs",
        "a word in a row of its own",
    ),
    (
        "shared/context/users/src/row.rs",
        "what this program sealed in a row of its own",
    ),
    (
        "shared/context/notifications/src/rows.rs",
        "what this program sealed in a row of its own",
    ),
    (
        "shared/event/src/fingerprint.rs",
        "what a version before made of a payload",
    ),
    ("shared/event-store/", "rows of its own"),
    (
        "shared/lambda/src/api.rs",
        "API Gateway's request around the body, in AWS's types",
    ),
    ("shared/projection/src/control/row.rs", "rows of its own"),
    ("shared/saga/", "rows of its own"),
    ("shared/sealing/", "what this program sealed"),
    ("shared/telemetry/", "log lines of its own"),
    ("shared/testing/", "the test kit"),
    ("shared/rules/", "these tests"),
];

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
            "tests" | "target" => {}
            _ if path.is_dir() => sources(&path, found),
            name if name.ends_with(".rs") => found.push(path),
            _ => {}
        }
    }
}

/// What runs, without the tests below it and without comments.
pub(crate) fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that a `use axum::{...}` brings in.
fn names_axums_json(code: &str) -> bool {
    let groups = code
        .split("use axum::{")
        .skip(1)
        .filter_map(|rest| rest.split(';').next());
    groups
        .flat_map(|group| group.split([',', '{', '}']))
        .any(|name| name.trim() == "Json")
}

#[test]
fn json_from_outside_is_read_one_way() {
    let mut found = Vec::new();
    for folder in ["shared", "functions"] {
        sources(&root().join(folder), &mut found);
    }
    assert!(found.len() > 100);
    for path in found {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        // A module of tests in a file of its own.
        let is_kit = name.ends_with("/kit.rs");
        if is_kit || MAY.iter().any(|(may, _)| name.starts_with(may)) {
            continue;
        }
        let code = code(&fs::read_to_string(&path).unwrap());
        for way in WAYS {
            assert!(
                !code.contains(way),
                "{name}: {way} reads JSON by other rules than onecommit-json"
            );
        }
        assert!(
            !names_axums_json(&code),
            "{name}: onecommit_api::Json takes the place of axum's"
        );
    }
}

#[test]
fn whoever_may_read_json_otherwise_is_there() {
    for (name, _) in MAY {
        assert!(root().join(name).exists(), "{name}");
    }
}
