//! Callers of services: ours, and undici with opossum and jose. Both carry out the same tasks.

use anyhow::Result;

use crate::cli::Common;
use crate::contestants::node::install_and_bundle;
use crate::contestants::{launch, ours};
use crate::lab::function::Launch;
use crate::workspace::Workspace;

const OUR_PACKAGE: &str = "bench-calls";
const NODE: &str = "node-calls";

/// How to start ours and Node's.
pub(crate) async fn prepare(workspace: &Workspace, common: &Common) -> Result<(Launch, Launch)> {
    let binary = ours::build_functions(workspace, common, &[OUR_PACKAGE])
        .await?
        .remove(0)
        .binary;
    let source = workspace.contestant(NODE);
    if !common.no_build {
        install_and_bundle(workspace, NODE, &source.join("src/calls.mjs")).await?;
    }
    let ours = launch(workspace, OUR_PACKAGE, binary, Vec::new(), workspace.cache.clone());
    let node = launch(workspace, NODE, "node".into(), vec!["dist/index.js".to_owned()], source);
    Ok((ours, node))
}
