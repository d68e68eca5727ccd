//! Contestants in Rust, each a workspace of its own, so that cargo does not unify its features with ours.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::cli::Common;
use crate::tools::run_to_end;
use crate::workspace::Workspace;

/// Builds a contestant's folder, unless that is done already, and gives one of its binaries.
pub(crate) async fn cargo_build(workspace: &Workspace, common: &Common, folder: &str, binary: &str) -> Result<PathBuf> {
    let target = workspace.target.join("bench-contestants");
    if !common.no_build {
        eprintln!("building {folder} (minutes, the first time) ...");
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(&target)
            .current_dir(workspace.contestant(folder));
        let log = workspace.log(&format!("cargo-{folder}"));
        run_to_end(&mut cargo, &format!("build {folder}"), &log).await?;
    }
    let binary = target.join("release").join(binary);
    if !binary.is_file() {
        bail!("there is no {}: run once without --no-build", binary.display());
    }
    Ok(binary)
}
