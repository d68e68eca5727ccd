use std::fs;
use std::path::Path;

use crate::workspace::{WORKSPACE, root};

/// Documents outside of `docs/`.
const OTHER_DOCUMENTS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "bench/README.md",
    "examples/consumer/README.md",
];

/// The pages in `docs/`, by their paths.
fn pages() -> Vec<String> {
    let files = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap());
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let pages = names.filter(|name| name.ends_with(".md"));
    pages.map(|name| format!("docs/{name}")).collect()
}

fn documents() -> Vec<String> {
    let others = OTHER_DOCUMENTS.map(str::to_owned);
    pages().into_iter().chain(others).collect()
}

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

/// What stands between single backticks in a line.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The logical ids of the template's entries, each below its section, that `begins` says something about.
fn template_ids<'a>(lines: &'a [&'a str], begins: impl Fn(&[&str]) -> bool) -> Vec<&'a str> {
    let id = |line: &'a str| line.strip_prefix("  ").and_then(|rest| rest.strip_suffix(':'));
    let ids = lines.iter().enumerate().filter_map(|(at, line)| Some((at, id(line)?)));
    ids.filter(|(at, id)| !id.starts_with(' ') && begins(&lines[at + 1..]))
        .map(|(_, id)| id)
        .collect()
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
    for document in documents() {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap_or(Path::new(""));
        for target in text
            .lines()
            .flat_map(link_targets)
            .filter(|target| !target.contains("://"))
        {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                Path::new(&document).to_path_buf()
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

#[test]
fn the_readme_lists_every_page() {
    let readme = read("README.md");
    for page in pages() {
        assert!(readme.contains(&format!("]({page})")), "README.md does not list {page}");
    }
}

#[test]
fn the_readme_shows_settings_as_their_page_does() {
    let (readme, page) = (read("README.md"), read("docs/configuration.md"));
    let section = readme.lines().skip_while(|line| *line != "## Configure");
    let rows: Vec<&str> = section.filter(|line| line.starts_with("| `")).collect();
    assert!(!rows.is_empty());
    for row in rows {
        assert!(
            page.lines().any(|line| line == row),
            "README.md differs from docs/configuration.md: {row}"
        );
    }
}

#[test]
fn every_path_that_a_page_names_exists() {
    const FOLDERS: [&str; 9] = [
        "bench/",
        "docs/",
        "examples/",
        "functions/",
        "infra/",
        "localstack/",
        "schemas/",
        "shared/",
        "tests/",
    ];
    let history = "CHANGELOG.md";
    let is_plain = |span: &&str| !span.contains([' ', '*', '{', '}', '<', ':', '…']) && !span.contains("/.");
    let mut missing = Vec::new();
    for document in documents().iter().filter(|document| *document != history) {
        let text = read(document);
        let lines = text.lines().filter(|line| !line.starts_with("```"));
        for path in lines.flat_map(code_spans).filter(is_plain) {
            let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder));
            if is_path && !root().join(path).exists() {
                missing.push(format!("{document} names {path}, which does not exist"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_alarm_has_an_entry_in_the_runbook() {
    let (template, runbook) = (read("infra/template.yaml"), read("docs/operate.md"));
    let lines: Vec<&str> = template.lines().collect();
    let alarms = template_ids(&lines, |body| body.first() == Some(&"    Type: AWS::CloudWatch::Alarm"));
    assert!(!alarms.is_empty());
    for alarm in &alarms {
        let entry = format!("| `{alarm}` | ");
        let rows = runbook.lines().filter(|line| line.starts_with(&entry)).count();
        assert_eq!(rows, 1, "docs/operate.md needs one row for the alarm {alarm}");
    }
    let rows = runbook.lines().filter(|line| line.starts_with("| `"));
    for named in rows.flat_map(|row| code_spans(row).take(1)) {
        assert!(
            !named.ends_with("Alarm") || alarms.contains(&named),
            "docs/operate.md explains {named}, which is not an alarm of the template"
        );
    }
}

#[test]
fn every_reason_for_parking_has_an_entry_in_the_runbook() {
    let (verdicts, runbook) = (read("shared/engine/src/verdict.rs"), read("docs/operate.md"));
    let reasons = verdicts
        .lines()
        .skip_while(|line| line.trim() != "ParkReason {")
        .skip(1);
    let reasons = reasons.map(str::trim).take_while(|line| *line != "}");
    let reasons: Vec<&str> = reasons.filter_map(|line| line.strip_suffix(',')).collect();
    assert!(reasons.len() > 10, "{reasons:?}");
    let rows: Vec<&str> = runbook.lines().filter(|line| line.starts_with("| `")).collect();
    for reason in reasons {
        let first_cell = |row: &&str| {
            row.split('|')
                .nth(1)
                .is_some_and(|cell| code_spans(cell).any(|it| it == reason))
        };
        assert!(rows.iter().any(first_cell), "docs/operate.md does not explain {reason}");
    }
}

#[test]
fn every_parameter_of_the_template_is_explained() {
    let (template, settings) = (read("infra/template.yaml"), read("docs/configuration.md"));
    let section = template.lines().skip_while(|line| *line != "Parameters:").skip(1);
    let section: Vec<&str> = section
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .collect();
    let parameters = template_ids(&section, |_| true);
    assert!(!parameters.is_empty());
    for parameter in parameters {
        assert!(
            settings.contains(&format!("| `{parameter}` | ")),
            "docs/configuration.md does not explain the parameter {parameter}"
        );
    }
}
