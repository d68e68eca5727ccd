//! What handling events costs on AWS, item by item, beside others: docs/cost.md.
//!
//! Units of DynamoDB are what the tests and the other benchmarks count; times of Lambda are those of `compare`. Nothing is
//! started, so the page can be written anew whenever a price changes.

mod bill;
mod page;

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;
use bill::Measured;

/// Writes `docs/cost.md`.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let measured = Measured {
        compare: result(workspace, "compare")?,
        sagas: result(workspace, "sagas")?,
        template: read(workspace, "infra/template.yaml")?,
    };
    let file = workspace.root.join("docs/cost.md");
    fs::write(&file, page::page(&measured)?).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote docs/cost.md");
    Ok(())
}

fn read(workspace: &Workspace, path: &str) -> Result<String> {
    fs::read_to_string(workspace.root.join(path)).with_context(|| format!("cannot read {path}"))
}

/// The data of a benchmark that was run before.
fn result(workspace: &Workspace, name: &str) -> Result<Value> {
    let path = format!("bench/results/{name}.json");
    let text = read(workspace, &path)?;
    let mut report: Value = serde_json::from_str(&text).with_context(|| format!("{path} is not readable"))?;
    Ok(report["data"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_of_the_prices_and_results_that_are_kept() {
        let workspace = Workspace::locate().unwrap();
        let measured = Measured {
            compare: result(&workspace, "compare").unwrap(),
            sagas: result(&workspace, "sagas").unwrap(),
            template: read(&workspace, "infra/template.yaml").unwrap(),
        };
        let kept = read(&workspace, "docs/cost.md").unwrap();
        assert_eq!(kept, page::page(&measured).unwrap(), "run `bench cost`");
    }
}
