//! Imports come in three groups: the standard library, other crates, this crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{File, Item, UseTree};

use crate::workspace::{WORKSPACE, root};

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files_in(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// 0 for the standard library, 1 for other crates, 2 for this one.
fn group(tree: &UseTree, modules: &BTreeSet<String>) -> u8 {
    let name = match tree {
        UseTree::Path(path) => path.ident.to_string(),
        UseTree::Name(name) => name.ident.to_string(),
        UseTree::Rename(rename) => rename.ident.to_string(),
        UseTree::Glob(_) | UseTree::Group(_) => return 1,
    };
    match name.as_str() {
        "std" | "core" | "alloc" => 0,
        "crate" | "self" | "super" => 2,
        name if modules.contains(name) => 2,
        _ => 1,
    }
}

/// Whether the private imports before the first item are in order.
fn is_in_order(file: &File) -> bool {
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    let modules: BTreeSet<String> = modules.collect();
    let first = file.items.iter().skip_while(|item| !matches!(item, Item::Use(_)));
    let imports = first.map_while(|item| match item {
        Item::Use(import) if matches!(import.vis, syn::Visibility::Inherited) => Some(group(&import.tree, &modules)),
        _ => None,
    });
    imports.is_sorted()
}

#[test]
fn imports_are_in_three_groups() {
    let mut wrong = Vec::new();
    for (folder, _) in WORKSPACE.members() {
        let (sources, mut files) = (root().join(folder).join("src"), Vec::new());
        // The end-to-end tests are a crate without a library.
        if sources.is_dir() {
            files_in(&sources, &mut files);
        }
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            if !is_in_order(&parsed) {
                wrong.push(file.strip_prefix(root()).unwrap_or(&file).display().to_string());
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the standard library, then other crates, then `crate`, `super` and `self`: {wrong:#?}"
    );
}

#[test]
fn an_import_of_this_crate_before_another_is_noticed() {
    let file = |text: &str| syn::parse_file(text).unwrap();
    assert!(is_in_order(&file(
        "mod a; use std::fmt; use serde::Serialize; use crate::b; use super::c;"
    )));
    assert!(!is_in_order(&file("use crate::b; use serde::Serialize;")));
    assert!(!is_in_order(&file("mod a; use a::b; use serde::Serialize;")));
    assert!(!is_in_order(&file("use serde::Serialize; use std::fmt;")));
}
