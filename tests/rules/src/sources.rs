//! What source text may not say.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::root;

/// Every source file below a folder, but tests and what was built, by its path in the workspace.
pub(crate) fn sources_of(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
            "tests" | "tests.rs" | "target" => {}
            _ if path.is_dir() => collect(&path, found),
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

#[test]
fn the_library_knows_no_word_of_the_storefront() {
    const WORDS: [&str; 6] = ["storefront", "catalog", "sku", "payment", "customer", "recommendation"];
    let sources = sources_of("shared");
    assert!(sources.len() > 100);
    for (name, text) in sources {
        let code = code(&text).to_lowercase();
        for word in WORDS {
            assert!(!code.contains(word), "{name} says {word:?}");
        }
    }
}

#[test]
fn the_rules_of_a_context_know_neither_its_handlers_nor_http() {
    let is_inner = |name: &str| name.contains("/src/domain/") || name.contains("/src/messages");
    let inner: Vec<_> = sources_of("functions/storefront")
        .into_iter()
        .filter(|(name, _)| is_inner(name))
        .collect();
    assert!(inner.len() > 10);
    for (name, text) in inner {
        for word in ["axum", "onecommit_http", "onecommit_engine", "crate::service"] {
            assert!(!code(&text).contains(word), "{name} uses {word}");
        }
    }
}
