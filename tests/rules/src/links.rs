//! What binaries that handle messages are linked with: each is asked about alone, since features add up over a workspace.

use std::process::Command;

use crate::sources::{code, sources_of};
use crate::workspace::root;

/// The packages of functions that handle messages. A cold start loads all of what they are linked with.
const HANDLERS: [&str; 12] = [
    "consumer",
    "orchestrator",
    "projector",
    "publisher",
    "relay",
    "storefront-catalog",
    "storefront-notifications",
    "storefront-orders",
    "storefront-payments",
    "storefront-recommendations",
    "storefront-users",
    "sweeper",
];

/// What belongs to the front door, to processes and to generators; with a `-` at its end, all that begin so. Of OpenTelemetry,
/// handlers are linked with what makes spans and writes them down, and with nothing that sends them: see docs/tracing.md. That
/// brings `prost`, whose messages are written as JSON; of gRPC there is nothing.
const NEVER: [&str; 23] = [
    "async-graphql",
    "async-graphql-",
    "aws-sdk-secretsmanager",
    "aws-sdk-servicediscovery",
    "hickory-",
    "graphql-tools",
    "hive-router-",
    "jsonwebtoken",
    "moka",
    "onecommit-discovery-dns",
    "onecommit-graph",
    "onecommit-grpc",
    "opentelemetry-http",
    "opentelemetry-otlp",
    "opentelemetry-stdout",
    "prost-types",
    "protox",
    "regex",
    "storefront-catalog-proto",
    "tonic",
    "tonic-",
    "utoipa",
    "utoipa-",
];

/// Who calls services while it handles messages: the context with a provider outside.
const CALLERS: [&str; 1] = ["storefront-payments"];

/// The names of all that a package is linked with when it is built alone.
fn linked_with(package: &str) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        "tree",
        "--offline",
        "--locked",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--package",
        package,
    ];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{package}: {errors}");
    let lines = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let names = lines.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn what_handles_messages_is_linked_with_little() {
    for package in HANDLERS {
        let linked = linked_with(package);
        assert!(linked.len() > 20, "{package}: {linked:?}");
        for name in &linked {
            let is = |never: &str| name == never || (never.ends_with('-') && name.starts_with(never));
            let is_forbidden = NEVER.iter().any(|never| is(never));
            assert!(
                !is_forbidden,
                "{package} is linked with {name}: no binary that handles messages is"
            );
        }
        let calls = linked.iter().any(|name| name == "onecommit-client");
        assert_eq!(
            calls,
            CALLERS.contains(&package),
            "{package}: whether it is linked with the client of other services"
        );
    }
}

/// The gateway plans and asks; what answers for the contexts executes queries. Neither is linked with the other's library.
#[test]
fn the_gateway_and_the_subgraphs_are_linked_with_their_own_library_alone() {
    for (package, own, others) in [
        ("graphql", "hive-router-query-planner", "async-graphql"),
        ("subgraph", "async-graphql", "hive-router-query-planner"),
    ] {
        let linked = linked_with(package);
        assert!(
            linked.iter().any(|name| name == own),
            "{package} is not linked with {own}"
        );
        assert!(
            !linked.iter().any(|name| name == others),
            "{package} is linked with {others}"
        );
    }
}

/// In the crates of bounded contexts, other people's services are known in one place, and HTTP at the edges only.
#[test]
fn a_context_speaks_to_other_peoples_services_in_one_place() {
    // The front door is no context: calling all of them is what it is for. Nor is what checks sessions, whose keys are fetched
    // from an identity provider.
    let sources = sources_of("functions/storefront").into_iter();
    let sources: Vec<_> = sources
        .filter(|(name, _)| {
            !name.starts_with("functions/storefront/bff/") && !name.starts_with("functions/storefront/viewer/")
        })
        .collect();
    assert!(sources.len() > 50);
    let mut translated = 0;
    for (name, text) in sources {
        let code = code(&text);
        let is_edge = name.contains("/src/outside/") || name.ends_with("/src/main.rs");
        translated += usize::from(name.contains("/src/outside/"));
        assert!(
            is_edge || !code.contains("onecommit_client"),
            "{name} calls services: that belongs below outside/"
        );
        let is_inside =
            name.contains("/src/domain/") || name.contains("/src/messages/") || name.contains("/src/service/");
        assert!(
            !is_inside || !code.contains("outside::"),
            "{name} knows the forms of other people's services"
        );
        let is_domain = name.contains("/src/domain/") || name.contains("/src/messages/");
        for word in ["axum", "http::", "hyper", "reqwest", "StatusCode"] {
            assert!(!is_domain || !code.contains(word), "{name} knows HTTP: {word}");
        }
    }
    assert!(translated > 5);
}
