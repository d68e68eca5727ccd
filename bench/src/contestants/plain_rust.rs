//! A Rust function as most people write it: the SDK with all its defaults, three calls for each record in turn.

use anyhow::Result;

use crate::cli::Common;
use crate::contestants::{Contestant, cargo_build, launch};
use crate::lab::zipped;
use crate::workspace::Workspace;

const FOLDER: &str = "plain-rust";

/// Either of the contestant's two binaries.
pub(crate) async fn prepare(workspace: &Workspace, common: &Common, name: &str) -> Result<Contestant> {
    let binary = cargo_build(workspace, common, FOLDER, name).await?;
    Ok(Contestant {
        name: name.to_owned(),
        ledger_key: "pk",
        zip_bytes: zipped::size_of_file(&binary, "bootstrap")?,
        launch: launch(workspace, name, binary, Vec::new(), workspace.contestant(FOLDER)),
    })
}
