//! A worker on the npm package sqs-consumer.

use anyhow::Result;

use crate::cli::Common;
use crate::contestants::node::install_and_bundle;
use crate::contestants::{Contestant, launch};
use crate::lab::zipped;
use crate::workspace::Workspace;

const NAME: &str = "node-sqs-consumer";

pub(crate) async fn prepare(workspace: &Workspace, common: &Common) -> Result<Contestant> {
    let source = workspace.contestant(NAME);
    if !common.no_build {
        install_and_bundle(workspace, NAME, &source.join("src/worker.js")).await?;
    }
    Ok(Contestant {
        name: NAME.to_owned(),
        ledger_key: "pk",
        zip_bytes: zipped::size_of_file(&source.join("dist/index.js"), "index.js")?,
        launch: launch(workspace, NAME, "node".into(), vec!["dist/index.js".to_owned()], source),
    })
}
