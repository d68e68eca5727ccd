//! Event stores: ours, and cqrs-es on dynamo-es. Both carry out the same tasks on the same aggregate.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::Common;
use crate::contestants::{cargo_build, launch, ours};
use crate::lab::function::Launch;
use crate::lab::streams::{Layout, Streams};
use crate::workspace::Workspace;

pub(crate) const OURS: &str = "ours";
pub(crate) const CQRS_ES: &str = "cqrs-es";

const OUR_PACKAGE: &str = "bench-event-store";
const CQRS_ES_PACKAGE: &str = "bench-cqrs-es";

/// An event store that is ready to be started.
#[derive(Debug, Clone)]
pub(crate) struct EventStore {
    pub(crate) name: &'static str,
    pub(crate) layout: Layout,
    launch: Launch,
}

impl EventStore {
    /// How to start it on these tables behind this endpoint.
    pub(crate) fn launch(&self, streams: &Streams, endpoint: &str) -> Launch {
        let environment = [
            ("EVENTS_TABLE_NAME", streams.events.as_str()),
            ("SNAPSHOTS_TABLE_NAME", &streams.snapshots),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        self.launch
            .with_environment(&environment.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }
}

/// Prepares the named contestants, or both.
pub(crate) async fn prepare(workspace: &Workspace, common: &Common, only: &[String]) -> Result<Vec<EventStore>> {
    if let Some(unknown) = only.iter().find(|name| *name != OURS && *name != CQRS_ES) {
        bail!("no event store is called {unknown}; there are {OURS}, {CQRS_ES}");
    }
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut prepared = Vec::new();
    if is_wanted(OURS) {
        let binary = ours::build_functions(workspace, common, &[OUR_PACKAGE])
            .await?
            .remove(0)
            .binary;
        prepared.push(EventStore {
            name: OURS,
            layout: Layout {
                partition_key: "stream",
                sort_key: "version",
                separator: '#',
                has_snapshot_table: false,
            },
            launch: launch(workspace, OUR_PACKAGE, binary, Vec::new(), workspace.cache.clone()),
        });
    }
    if is_wanted(CQRS_ES) {
        let binary = build_cqrs_es(workspace, common).await?;
        prepared.push(EventStore {
            name: CQRS_ES,
            layout: Layout {
                partition_key: "AggregateTypeAndId",
                sort_key: "AggregateIdSequence",
                separator: ':',
                has_snapshot_table: true,
            },
            launch: launch(workspace, CQRS_ES_PACKAGE, binary, Vec::new(), workspace.cache.clone()),
        });
    }
    Ok(prepared)
}

async fn build_cqrs_es(workspace: &Workspace, common: &Common) -> Result<PathBuf> {
    cargo_build(workspace, common, "cqrs-es", CQRS_ES_PACKAGE).await
}
