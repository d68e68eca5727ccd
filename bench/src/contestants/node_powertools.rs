//! Powertools for AWS Lambda (TypeScript) on Node: batch processor, idempotency, one write.

use anyhow::Result;
use tokio::process::Command;

use crate::cli::Common;
use crate::contestants::{Contestant, launch};
use crate::lab::zipped;
use crate::tools::run_to_end;
use crate::workspace::{Stamp, Workspace};

const NAME: &str = "node-powertools";

pub(crate) async fn prepare(workspace: &Workspace, common: &Common) -> Result<Contestant> {
    let source = workspace.contestant(NAME);
    let bundle = source.join("dist/index.js");
    if !common.no_build {
        install_and_bundle(workspace).await?;
    }
    let arguments = vec!["bootstrap.cjs".to_owned(), "dist/index.js".to_owned()];
    Ok(Contestant {
        name: NAME.to_owned(),
        ledger_key: "id",
        zip_bytes: zipped::size_of_file(&bundle, "index.js")?,
        launch: launch(workspace, NAME, "node".into(), arguments, source),
    })
}

async fn install_and_bundle(workspace: &Workspace) -> Result<()> {
    let source = workspace.contestant(NAME);
    let made_from = ["package.json", "package-lock.json", "src/handler.js"].map(|file| source.join(file));
    let stamp = Stamp::of(&workspace.cache.join("node-powertools.stamp"), &made_from)?;
    if stamp.is_current() && source.join("dist/index.js").is_file() {
        return Ok(());
    }
    eprintln!("installing and bundling {NAME} ...");
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&source);
    run_to_end(
        &mut install,
        "install the Node contestant",
        &workspace.log("npm-node-powertools"),
    )
    .await?;
    let mut bundle = Command::new("npm");
    bundle.args(["run", "build"]).current_dir(&source);
    run_to_end(
        &mut bundle,
        "bundle the Node contestant",
        &workspace.log("npm-node-powertools"),
    )
    .await?;
    stamp.renew()
}
