use crate::workspace::WORKSPACE;

/// The same list as in `deny.toml`.
const PERMITTED: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
];

/// Whether the terms of an SPDX expression can be met with permitted licences alone. Old manifests write `/` for `OR`.
fn is_permitted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut position = 0;
    let permitted = any(&words, &mut position);
    permitted && position == words.len()
}

fn any(words: &[&str], position: &mut usize) -> bool {
    let mut permitted = all(words, position);
    while words.get(*position) == Some(&"OR") {
        *position += 1;
        permitted |= all(words, position);
    }
    permitted
}

fn all(words: &[&str], position: &mut usize) -> bool {
    let mut permitted = one(words, position);
    while words.get(*position) == Some(&"AND") {
        *position += 1;
        permitted &= one(words, position);
    }
    permitted
}

fn one(words: &[&str], position: &mut usize) -> bool {
    let word = words.get(*position).copied().unwrap_or_default();
    *position += 1;
    if word == "(" {
        let permitted = any(words, position);
        *position += 1;
        return permitted;
    }
    // An exception only ever permits more than its licence does.
    if words.get(*position) == Some(&"WITH") {
        *position += 2;
    }
    PERMITTED.contains(&word)
}

#[test]
fn an_expression_is_permitted_when_one_of_its_ways_is() {
    for (expression, permitted) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-only", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("GPL-3.0-only AND (MIT OR Apache-2.0)", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
        ("GPL-2.0-only WITH Classpath-exception-2.0", false),
        ("Apache-2.0/MIT", true),
        ("", false),
    ] {
        assert_eq!(is_permitted(expression), permitted, "{expression:?}");
    }
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    for package in WORKSPACE.packages() {
        let expression = package.licence.as_deref().unwrap_or_default();
        assert!(
            is_permitted(expression),
            "{} {} is under {expression:?}",
            package.name,
            package.version
        );
    }
}

#[test]
fn every_crate_of_ours_is_under_the_licence_in_the_root() {
    for (folder, package) in WORKSPACE.members() {
        assert_eq!(package.licence.as_deref(), Some("Apache-2.0"), "{folder}");
    }
}
