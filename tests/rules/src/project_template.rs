//! `examples/consumer` builds as it stands, and is a template of `cargo generate` and of `cargo lambda new`, which give the
//! name of the project under different names. `examples/rendered.py` makes a project with cargo-lambda itself.

use std::fs;
use std::path::Path;

use liquid::{Object, ParserBuilder, object};

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

fn rendered(path: &str, variables: &Object) -> String {
    let parser = ParserBuilder::with_stdlib().build().unwrap();
    let template = parser
        .parse(&read(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"));
    template
        .render(variables)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What cargo-generate knows, of its own and from cargo-generate.toml.
fn of_cargo_generate(library: &str) -> Object {
    object!({"project-name": "parcels", "crate_name": "parcels", "onecommit": library})
}

/// What cargo-lambda knows, of its own and from CargoLambda.toml.
fn of_cargo_lambda(library: &str) -> Object {
    object!({"project_name": "parcels", "onecommit": library})
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
fn both_tools_make_the_same_files() {
    for file in with_placeholders() {
        let made = rendered(&file, &of_cargo_generate("/library"));
        assert_eq!(made, rendered(&file, &of_cargo_lambda("/library")), "{file}");
        assert!(
            !made.contains("{%") && !made.contains("{{") && !made.contains(": shipping"),
            "{made}"
        );
    }
    let manifest = rendered("Cargo.toml", &of_cargo_generate("/library"));
    assert!(
        manifest.contains("\nname = \"parcels\"\n") && !manifest.contains("\"shipping\""),
        "{manifest}"
    );
    assert!(
        manifest.contains("[patch.crates-io]\nonecommit = { path = \"/library/shared/onecommit\" }\n"),
        "{manifest}"
    );
    let template = rendered("template.yaml", &of_cargo_generate("/library"));
    assert!(
        template.contains("\n      CodeUri: target/lambda/parcels\n"),
        "{template}"
    );
}

#[test]
fn without_a_copy_the_library_comes_from_the_registry() {
    for variables in [of_cargo_generate(""), of_cargo_lambda("")] {
        assert!(!rendered("Cargo.toml", &variables).contains("\n[patch"));
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
