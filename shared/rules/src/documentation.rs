use std::fs;
use std::path::Path;

use crate::workspace::{WORKSPACE, root};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "bench/README.md",
    "examples/consumer/README.md",
    "docs/architecture.md",
    "docs/attacks.md",
    "docs/chaos.md",
    "docs/configuration.md",
    "docs/dependencies.md",
    "docs/event-store.md",
    "docs/get-started.md",
    "docs/handlers.md",
    "docs/local-aws.md",
    "docs/projections.md",
    "docs/operator.md",
    "docs/reliability.md",
    "docs/roles.md",
    "docs/sagas.md",
    "docs/simulation.md",
    "docs/storefront.md",
];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of the first code block that opens with `fence`.
fn first_block<'a>(lines: impl Iterator<Item = &'a str>, fence: &str) -> Vec<&'a str> {
    let after = lines.skip_while(|line| *line != fence).skip(1);
    after.take_while(|line| *line != "```").map(str::trim_end).collect()
}

/// What stands between `](` and `)` in a line.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors that a heading gets on the web: lower case, spaces as hyphens, nothing but letters, digits and those.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars()
            .filter(|character| character.is_alphanumeric() || "-_".contains(*character))
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn the_readme_shows_the_example_that_the_library_compiles() {
    let (readme, library) = (read("README.md"), read("shared/onecommit/src/lib.rs"));
    let shown = first_block(readme.lines(), "```rust");
    let documentation = library.lines().filter_map(|line| line.strip_prefix("//!"));
    let compiled = first_block(documentation.map(|line| line.strip_prefix(' ').unwrap_or(line)), "```");
    assert!(!shown.is_empty());
    assert_eq!(shown, compiled);
}

#[test]
fn every_dependency_is_explained() {
    let explained = read("docs/dependencies.md");
    for (folder, package) in WORKSPACE.members() {
        for used in WORKSPACE.named(package).filter(|used| used.folder.is_none()) {
            let name = &used.name;
            assert!(
                explained.contains(&format!("`{name}`")),
                "{folder} uses {name}; say why in docs/dependencies.md"
            );
        }
    }
}

#[test]
fn every_link_inside_the_project_leads_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap_or(Path::new(""));
        for target in text
            .lines()
            .flat_map(link_targets)
            .filter(|target| !target.contains("://"))
        {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                Path::new(document).to_path_buf()
            } else {
                folder.join(file)
            };
            assert!(
                root().join(&path).exists(),
                "{document} links to {target}, which is not there"
            );
            let linked = || read(&path.to_string_lossy());
            assert!(
                anchor.is_empty() || anchors(&linked()).contains(&anchor.to_owned()),
                "{document}: no #{anchor}"
            );
        }
    }
}
