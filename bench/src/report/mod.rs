//! Results as they are kept: one JSON file per subcommand, one Markdown page for all.

mod environment;
mod page;
mod table;

use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::workspace::Workspace;

pub(crate) use environment::Environment;
pub(crate) use table::{Goal, Table, goals_table};

/// What one subcommand measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it was measured, in a few sentences.
    pub(crate) notes: Vec<String>,
    pub(crate) environment: Environment,
    pub(crate) tables: Vec<Table>,
    /// The same, and more, as numbers.
    pub(crate) data: Value,
}

impl Report {
    /// Writes the results, renews the page of all results, and prints what is new.
    pub(crate) fn publish(&self, workspace: &Workspace) -> Result<()> {
        let file = workspace.results.join(format!("{}.json", self.name));
        fs::write(&file, format!("{:#}\n", serde_json::to_value(self)?))
            .with_context(|| format!("cannot write {}", file.display()))?;
        page::renew(workspace)?;
        println!("{}", page::section(self));
        Ok(())
    }
}
