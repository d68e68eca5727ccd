//! The least Rust version that the crates ask for is the one that everything here is built and tested with, so it is tested.

use std::fs;

use crate::workspace::root;

fn value_of(path: &str, name: &str) -> String {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
    value
        .unwrap_or_else(|| panic!("{path} has no {name}"))
        .trim()
        .trim_matches('"')
        .to_owned()
}

#[test]
fn the_least_rust_version_is_the_one_that_builds() {
    let least = value_of("Cargo.toml", "rust-version");
    assert_eq!(value_of("rust-toolchain.toml", "channel"), format!("{least}.0"));
    assert_eq!(value_of("examples/consumer/Cargo.toml", "rust-version"), least);
    let page = fs::read_to_string(root().join("docs/get-started.md")).unwrap();
    assert!(
        page.contains(&format!("Rust {least} or newer")),
        "docs/get-started.md names another version"
    );
}
