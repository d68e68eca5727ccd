//! Powertools for AWS Lambda (Python): batch processor, idempotency, one write; under AWS's runtime interface client.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::cli::Common;
use crate::contestants::{Contestant, launch};
use crate::lab::zipped;
use crate::tools::run_to_end;
use crate::workspace::{Stamp, Workspace};

const NAME: &str = "python-powertools";

/// What the function has to bring along: Lambda's Python runtime has boto3 and the runtime interface client.
const BROUGHT_ALONG: [&str; 3] = ["aws_lambda_powertools", "jmespath", "typing_extensions.py"];

pub(crate) async fn prepare(workspace: &Workspace, common: &Common) -> Result<Contestant> {
    let source = workspace.contestant(NAME);
    let venv = workspace.cache.join(NAME);
    if !common.no_build {
        install(workspace, &venv).await?;
    }
    let libraries = zipped::size_of_entries(&site_packages(&venv)?, &BROUGHT_ALONG)?;
    let handler = zipped::size_of_file(&source.join("handler.py"), "handler.py")?;
    let arguments = ["-m", "awslambdaric", "handler.handler"].map(str::to_owned).into();
    Ok(Contestant {
        name: NAME.to_owned(),
        ledger_key: "id",
        zip_bytes: libraries + handler,
        launch: launch(workspace, NAME, venv.join("bin/python"), arguments, source),
    })
}

async fn install(workspace: &Workspace, venv: &Path) -> Result<()> {
    let requirements = workspace.contestant(NAME).join("requirements.txt");
    let stamp = Stamp::of(&venv.join("requirements.stamp"), std::slice::from_ref(&requirements))?;
    if stamp.is_current() {
        return Ok(());
    }
    eprintln!("installing {NAME} ...");
    let log = workspace.log("pip-python-powertools");
    let mut make_venv = Command::new("python3");
    make_venv.args(["-m", "venv", "--clear"]).arg(venv);
    run_to_end(&mut make_venv, "make an environment for the Python contestant", &log).await?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--only-binary=:all:",
        "-r",
    ])
    .arg(&requirements);
    run_to_end(&mut pip, "install the Python contestant", &log).await?;
    stamp.renew()
}

fn site_packages(venv: &Path) -> Result<PathBuf> {
    let versions = std::fs::read_dir(venv.join("lib")).context("the Python contestant is not installed")?;
    for version in versions {
        let folder = version?.path().join("site-packages");
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    bail!("the Python contestant is not installed: run once without --no-build")
}
