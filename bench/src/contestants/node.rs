//! What both Node contestants need: locked packages, and one bundle with all they use.

use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::tools::run_to_end;
use crate::workspace::{Stamp, Workspace};

/// Installs and bundles a contestant unless nothing it is made from has changed.
pub(crate) async fn install_and_bundle(workspace: &Workspace, name: &str, entry: &Path) -> Result<()> {
    let source = workspace.contestant(name);
    let made_from = [
        source.join("package.json"),
        source.join("package-lock.json"),
        entry.to_path_buf(),
    ];
    let stamp = Stamp::of(&workspace.cache.join(format!("{name}.stamp")), &made_from)?;
    if stamp.is_current() && source.join("dist/index.js").is_file() {
        return Ok(());
    }
    eprintln!("installing and bundling {name} ...");
    let log = workspace.log(&format!("npm-{name}"));
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&source);
    run_to_end(&mut install, "install a Node contestant", &log).await?;
    let mut bundle = Command::new("npm");
    bundle.args(["run", "build"]).current_dir(&source);
    run_to_end(&mut bundle, "bundle a Node contestant", &log).await?;
    stamp.renew()
}
