use crate::layers::{Kind, kind_of};
use crate::workspace::{Package, Use, WITHOUT_FUNCTIONS, WORKSPACE};

/// Ours that a package is linked with, each with its folder.
fn ours(package: &Package) -> impl Iterator<Item = &str> {
    WORKSPACE
        .normal(package)
        .filter_map(|dependency| dependency.folder.as_deref())
}

/// Bounded contexts are the crates of the storefront that have a function of their own.
fn is_context(package: &Package) -> bool {
    package.features.contains("function")
}

fn speaks_to_aws(name: &str) -> bool {
    name.starts_with("aws-") || name.starts_with("lambda") || name.starts_with("aws_")
}

#[test]
fn every_crate_is_of_a_kind() {
    for (folder, package) in WORKSPACE.members() {
        assert!(
            kind_of(folder).is_some(),
            "{}: say in tests/rules/src/layers.rs what lies in {folder}",
            package.name
        );
    }
}

#[test]
fn dependencies_point_downward_only() {
    for (folder, package) in WORKSPACE.members() {
        let kind = kind_of(folder);
        if kind == Some(Kind::Tool) {
            continue;
        }
        for used in ours(package) {
            assert!(kind_of(used) <= kind, "{folder} uses {used}, which is above it");
            assert!(
                kind_of(used) != Some(Kind::Function),
                "{folder} uses {used}, which runs"
            );
        }
    }
}

#[test]
fn the_library_is_what_can_be_published() {
    for (folder, package) in WORKSPACE.members() {
        let is_library = kind_of(folder) <= Some(Kind::Facade) && folder.starts_with("shared/");
        assert_eq!(package.is_published, is_library, "{folder}");
        for used in WORKSPACE.normal(package).filter(|used| used.folder.is_some()) {
            assert!(
                !is_library || used.is_published,
                "{folder} is linked with {}, which is not of the library",
                used.name
            );
        }
    }
}

#[test]
fn the_facade_brings_all_of_the_library_but_what_only_tools_use() {
    const APART: [&str; 4] = [
        "onecommit",
        "onecommit-http",
        "onecommit-audit",
        "onecommit-aws-credentials",
    ];
    const INSIDE: [&str; 1] = ["onecommit-json"];
    let facade = WORKSPACE.members().find(|(_, package)| package.name == "onecommit");
    let (_, facade) = facade.expect("there is a facade");
    for (_, package) in WORKSPACE.members().filter(|(_, package)| package.is_published) {
        let name = package.name.as_str();
        assert!(
            facade.listed.contains(name) || APART.contains(&name) || INSIDE.contains(&name),
            "{name} is not in the facade: give it a feature"
        );
    }
}

/// What lists the views of all contexts, for those who keep, rebuild and read them.
const LISTS_VIEWS: &str = "functions/storefront/views";

/// What serves the catalog over gRPC, in a process of its own.
const SERVES_GRPC: &str = "functions/catalog-grpc";

/// What answers for contexts in the graph, by the readers that are the contexts' own.
const ANSWERS_FOR_CONTEXTS: [&str; 2] = ["functions/storefront/graph", "functions/subgraph"];

/// What serves the APIs of all contexts, to compare them with their descriptions.
const SERVES_APIS: &str = "tests/apis";

#[test]
fn a_bounded_context_is_known_to_others_by_its_messages_alone() {
    let contexts: Vec<&str> = WORKSPACE
        .members()
        .filter(|(_, package)| is_context(package))
        .map(|(_, package)| package.name.as_str())
        .collect();
    assert!(contexts.len() > 4, "{contexts:?}");
    for (folder, package) in WORKSPACE.members() {
        for used in package
            .uses
            .iter()
            .filter(|used| contexts.contains(&used.name.as_str()))
        {
            assert!(
                !is_context(package) || !used.is_linked,
                "the context {folder} imports the context {}",
                used.name
            );
            let is_known = |feature: &String| match feature.as_str() {
                "views" => folder == LISTS_VIEWS,
                "grpc" => folder == SERVES_GRPC,
                "service" => folder == SERVES_APIS || ANSWERS_FOR_CONTEXTS.contains(&folder),
                _ => false,
            };
            assert!(
                !used.is_linked || (!used.with_default_features && used.features.iter().all(is_known)),
                "{folder} is linked with more of {} than its messages: {:?}",
                used.name,
                used.features
            );
        }
    }
}

#[test]
fn what_is_not_an_adapter_or_a_function_knows_no_aws() {
    let is_pure = |folder: &str| {
        let kind = kind_of(folder);
        kind <= Some(Kind::Library) || kind == Some(Kind::Storefront)
    };
    let mut checked = 0;
    for (folder, package) in WITHOUT_FUNCTIONS.members().filter(|(folder, _)| is_pure(folder)) {
        for linked in WITHOUT_FUNCTIONS.linked(package) {
            assert!(!speaks_to_aws(&linked.name), "{folder} is linked with {}", linked.name);
        }
        checked += 1;
    }
    assert!(checked > 20);
}

#[test]
fn only_the_adapters_name_the_aws_sdk() {
    // The couriers of notifications are adapters as well, of a port that is the storefront's own.
    let may = |folder: &str| {
        folder == "shared/aws" || ["bench", "tests", "functions/storefront/notifications"].contains(&folder)
    };
    for (folder, package) in WORKSPACE.members().filter(|(folder, _)| !may(folder)) {
        for used in WORKSPACE.named(package).filter(|used| used.folder.is_none()) {
            assert!(!used.name.starts_with("aws-"), "{folder} names {}", used.name);
        }
    }
}

#[test]
fn only_the_lambda_crate_names_the_lambda_runtime() {
    let may = |folder: &str| ["shared/lambda", "bench", "tests"].contains(&folder);
    for (folder, package) in WORKSPACE.members().filter(|(folder, _)| !may(folder)) {
        for used in WORKSPACE.named(package) {
            let is_lambda = ["lambda_runtime", "aws_lambda_events"].contains(&used.name.as_str());
            assert!(!is_lambda, "{folder} names {}", used.name);
        }
    }
}

/// Each client of AWS costs its function megabytes and a longer cold start.
#[test]
fn only_what_publishes_asks_for_the_clients_of_topics_and_buses() {
    const PUBLISH: [&str; 4] = ["functions/publisher", "functions/relay", "shared/operator", "tests"];
    let asks = |package: &Package| {
        let with_publisher = |used: &Use| used.features.iter().any(|feature| feature == "publisher");
        package
            .uses
            .iter()
            .any(|used| used.name == "onecommit-aws" && with_publisher(used))
    };
    let asking = WORKSPACE.members().filter(|(_, package)| asks(package));
    assert_eq!(asking.map(|(folder, _)| folder).collect::<Vec<_>>(), PUBLISH);
}

#[test]
fn nothing_that_runs_is_linked_with_the_test_kit() {
    for (folder, package) in WORKSPACE
        .members()
        .filter(|(folder, _)| kind_of(folder) != Some(Kind::Tool))
    {
        // The facade offers them for tests, as features, and the simulation stands on the kit.
        assert!(
            ["shared/onecommit", "shared/simulation"].contains(&folder)
                || ours(package).all(|used| !["shared/simulation", "shared/testing"].contains(&used)),
            "{folder} needs the test kit outside of its tests"
        );
    }
}
