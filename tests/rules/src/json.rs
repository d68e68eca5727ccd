//! JSON from outside is read by `onecommit-json` alone: serde by itself takes a list for an object, and a body extractor of
//! axum's does as serde does.

use crate::sources::{code, sources_of};
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
    ("shared/http/src/body.rs", "axum's writes answers"),
    ("shared/http/src/error.rs", "axum's writes answers"),
    (
        "shared/event-store/src/audit/",
        "files of events that this program wrote, checked by their hashes",
    ),
    (
        "functions/storefront/catalog/src/service/reservation.rs",
        "a word in a row of its own",
    ),
    (
        "functions/storefront/users/src/service/row.rs",
        "what this program sealed in a row of its own",
    ),
    (
        "functions/storefront/notifications/src/service/rows.rs",
        "what this program sealed in a row of its own",
    ),
    (
        "shared/graph/src/subgraphs.rs",
        "a subgraph's answer, kept as it is and judged by the schema, value by value",
    ),
    ("shared/graph/examples/", "subgraphs to try the gateway with"),
    (
        "shared/event/src/fingerprint.rs",
        "what a version before made of a payload",
    ),
    ("shared/event-store/", "rows of its own"),
    (
        "shared/lambda/src/api.rs",
        "API Gateway's request around the body, in AWS's types",
    ),
    ("shared/views/src/control/row.rs", "rows of its own"),
    ("shared/saga/", "rows of its own"),
    ("shared/sealing/", "what this program sealed"),
    ("shared/telemetry/", "log lines of its own"),
    ("shared/testing/", "the test kit"),
];

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
    let found: Vec<_> = ["shared", "functions"].into_iter().flat_map(sources_of).collect();
    assert!(found.len() > 100);
    for (name, text) in found {
        // A module of tests in a file of its own.
        let is_kit = name.ends_with("/kit.rs");
        if is_kit || MAY.iter().any(|(may, _)| name.starts_with(may)) {
            continue;
        }
        let code = code(&text);
        for way in WAYS {
            assert!(
                !code.contains(way),
                "{name}: {way} reads JSON by other rules than onecommit-json"
            );
        }
        assert!(
            !names_axums_json(&code),
            "{name}: onecommit_http::Json takes the place of axum's"
        );
    }
}

#[test]
fn whoever_may_read_json_otherwise_is_there() {
    for (name, _) in MAY {
        assert!(root().join(name).exists(), "{name}");
    }
}
