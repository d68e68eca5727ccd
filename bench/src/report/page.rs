//! The Markdown page made from all results there are.

use std::fs;

use anyhow::{Context, Result};

use crate::report::{Report, Table};
use crate::workspace::Workspace;

const ORDER: [&str; 8] = [
    "cold-start",
    "requests",
    "compare",
    "worker",
    "relay",
    "sagas",
    "event-store",
    "calls",
];
const HEAD: &str = "# Results\n\nMade by `onecommit-bench`; what each column means and what each contestant does is in \
                    [the README of the benchmarks](../README.md).\n";

/// Writes the page anew from the JSON files.
pub(crate) fn renew(workspace: &Workspace) -> Result<()> {
    let mut page = HEAD.to_owned();
    for name in ORDER {
        let Ok(text) = fs::read(workspace.results.join(format!("{name}.json"))) else {
            continue;
        };
        let report: Report =
            serde_json::from_slice(&text).with_context(|| format!("results/{name}.json is not readable"))?;
        page = format!("{page}\n{}", section(&report));
    }
    let file = workspace.results.join("README.md");
    fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))
}

/// One report as a section of the page.
pub(crate) fn section(report: &Report) -> String {
    let notes: String = report.notes.iter().map(|note| format!("{note}\n")).collect();
    let tables: Vec<_> = report.tables.iter().map(Table::to_markdown).collect();
    format!(
        "## {}\n\n{notes}\n{}\n{}\n",
        report.title,
        tables.join("\n"),
        report.environment
    )
}
