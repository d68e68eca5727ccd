//! The layers of the workspace, from the ground up. A crate is linked with crates of lower layers only.

/// `folder/*` stands for every crate in that folder that is not named itself.
const LAYERS: &[&[&str]] = &[
    // What everything stands on: clock, randomness, ids, configuration, JSON from outside.
    // The evaluator of roles, which the end-to-end tests use, needs none of ours.
    &["shared/environment", "shared/config", "shared/json", "tests/authority"],
    // The event.
    &["shared/event", "shared/domain/kernel"],
    // What an event leaves behind when it is too large to travel whole.
    &["shared/claim-check"],
    // What is done with events, and the ports it needs.
    &["shared/commit", "shared/publish"],
    // Aggregates from their events; personal data in them; files of them; sagas from definitions.
    &["shared/event-store", "shared/sealing", "shared/audit", "shared/saga"],
    // The way of what was committed out into the world.
    &["shared/relay"],
    // What happens in a bounded context; what keeps and rebuilds views.
    &["shared/domain/*", "shared/projection"],
    // Handlers; the sagas of the storefront; what shows the engine; what all adapters share, and all APIs.
    &[
        "shared/views",
        "shared/sagas",
        "shared/telemetry",
        "shared/aws/session",
        "shared/api",
    ],
    // Bounded contexts; the engine as a process; the settings of every consumer; who this process is to AWS.
    &[
        "shared/context/*",
        "shared/worker",
        "shared/consumer-config",
        "shared/aws/credentials",
    ],
    // Implementations of the ports, for AWS and in memory, and Lambda around the engine.
    &["shared/aws/*", "shared/lambda", "shared/testing"],
    // Where a publisher on AWS sends.
    &["shared/publisher-config"],
    // One name for all of it.
    &["shared/onecommit"],
    // What runs.
    &["functions/*", "examples/*"],
];

/// They look at the workspace from outside. They may use any crate, and no crate may use them.
const TOOLS: &[&str] = &["bench", "bench/event-store", "tests", "tests/proof", "shared/rules"];

/// Where a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Layer(usize),
    Tool,
    Unknown,
}

pub(crate) fn place_of(folder: &str) -> Place {
    if TOOLS.contains(&folder) {
        return Place::Tool;
    }
    let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    let layer_with = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    match layer_with(folder).or_else(|| layer_with(&format!("{parent}/*"))) {
        Some(layer) => Place::Layer(layer),
        None => Place::Unknown,
    }
}
