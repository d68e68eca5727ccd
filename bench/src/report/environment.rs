//! What the numbers were measured on.

use std::fmt;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::tools::version_line;

/// When, on how much machine, with which versions, and how thoroughly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Environment {
    pub(crate) date: String,
    pub(crate) cores: usize,
    pub(crate) architecture: String,
    pub(crate) quick: bool,
    pub(crate) versions: Vec<String>,
}

impl Environment {
    pub(crate) async fn look(quick: bool) -> Self {
        let versions = [
            version_line("rustc", "--version").await,
            format!("node {}", version_line("node", "--version").await),
            version_line("python3", "--version").await,
            version_line("java", "-version").await,
        ];
        Self {
            date: OffsetDateTime::now_utc().date().to_string(),
            cores: available_parallelism().map_or(0, usize::from),
            architecture: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            quick,
            versions: versions.into(),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quick = if self.quick {
            "; a quick run, which only shows that all works"
        } else {
            ""
        };
        write!(
            f,
            "Measured {} on {} cores, {}: {}{quick}.",
            self.date,
            self.cores,
            self.architecture,
            self.versions.join(", ")
        )
    }
}
