//! A Rust function as most people write it: the SDK with all its defaults, three calls for each record in turn.

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::cli::Common;
use crate::contestants::{Contestant, launch};
use crate::lab::zipped;
use crate::tools::run_to_end;
use crate::workspace::Workspace;

/// Either of the contestant's two binaries.
pub(crate) async fn prepare(workspace: &Workspace, common: &Common, name: &str) -> Result<Contestant> {
    let source = workspace.contestant("plain-rust");
    let target = workspace.target.join("bench-contestants");
    if !common.no_build {
        eprintln!("building plain-rust (minutes, the first time) ...");
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--locked", "--target-dir"])
            .arg(&target)
            .current_dir(&source);
        run_to_end(
            &mut cargo,
            "build the plain Rust function",
            &workspace.log("cargo-plain-rust"),
        )
        .await?;
    }
    let binary = target.join("release").join(name);
    if !binary.is_file() {
        bail!("there is no {}: run once without --no-build", binary.display());
    }
    Ok(Contestant {
        name: name.to_owned(),
        ledger_key: "pk",
        zip_bytes: zipped::size_of_file(&binary, "bootstrap")?,
        launch: launch(workspace, name, binary, Vec::new(), source),
    })
}
