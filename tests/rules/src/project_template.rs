//! `examples/consumer` builds as it stands, and is a template of `cargo generate` and of `cargo lambda new`, which give the
//! name of the project under different names. `examples/rendered.py` renders it with cargo-lambda, under both.

use std::fs;
use std::path::Path;

use crate::workspace::root;

const EXAMPLE: &str = "examples/consumer";
/// What cargo-lambda renders without being told to.
const ALWAYS: [&str; 3] = ["Cargo.toml", "README.md", "src/main.rs"];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(EXAMPLE).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files with placeholders, by their paths in the example.
fn with_placeholders() -> Vec<String> {
    let mut found = Vec::new();
    let example = root().join(EXAMPLE);
    for folder in ["", "src"] {
        for entry in fs::read_dir(example.join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            let text = fs::read_to_string(example.join(&path)).unwrap_or_default();
            if text.contains("{%") || text.contains("{{") {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn both_tools_render_every_file_with_placeholders() {
    let files = with_placeholders();
    assert_eq!(files, ["Cargo.toml", "template.yaml"]);
    let (generate, lambda) = (read("cargo-generate.toml"), read("CargoLambda.toml"));
    for file in files {
        let quoted = format!("\"{file}\"");
        assert!(
            generate.contains(&quoted),
            "cargo-generate.toml does not include {file}"
        );
        assert!(
            ALWAYS.contains(&file.as_str()) || lambda.contains(&quoted),
            "CargoLambda.toml does not render {file}"
        );
    }
    for tool in [generate, lambda] {
        assert!(tool.contains("onecommit]"), "the placeholder `onecommit` is declared");
    }
}

#[test]
fn as_it_stands_the_example_is_the_project_shipping() {
    let is_active = |line: &&str| !line.trim_start().starts_with('#');
    let manifest = read("Cargo.toml");
    let names: Vec<&str> = manifest
        .lines()
        .filter(is_active)
        .filter(|line| line.starts_with("name = "))
        .collect();
    assert_eq!(names, ["name = \"shipping\""]);
    let template = read("template.yaml");
    assert!(template.lines().filter(is_active).all(|line| !line.contains("{%")));
}

/// cargo-generate formats what it makes, and whoever begins with it formats it, too.
#[test]
fn the_example_brings_its_formatting_along() {
    let ours = fs::read_to_string(root().join("rustfmt.toml")).unwrap();
    assert_eq!(read("rustfmt.toml"), ours);
}
