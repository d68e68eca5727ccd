use std::collections::BTreeSet;

use crate::workspace::{Package, WORKSPACE};

/// Other ways to TLS and cryptography: each would add minutes to a build, or a C library to a function.
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs"];

/// What is linked into anything of ours.
fn linked() -> impl Iterator<Item = &'static Package> {
    WORKSPACE.members().flat_map(|(_, package)| WORKSPACE.linked(package))
}

#[test]
fn there_is_one_tls_stack() {
    for package in linked() {
        assert!(
            !BANNED.contains(&package.name.as_str()),
            "{} is linked in; rustls with ring does its work",
            package.name
        );
    }
}

#[test]
fn there_is_one_version_of_rustls_and_of_ring() {
    for name in ["rustls", "ring"] {
        let versions: BTreeSet<&str> = linked()
            .filter(|package| package.name == name)
            .map(|package| package.version.as_str())
            .collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}
