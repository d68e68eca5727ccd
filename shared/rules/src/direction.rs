use crate::layers::{Place, place_of};
use crate::workspace::{Package, WORKSPACE};

/// Ours that a package is linked with, each with its folder.
fn ours(package: &Package) -> impl Iterator<Item = &str> {
    WORKSPACE
        .normal(package)
        .filter_map(|dependency| dependency.folder.as_deref())
}

fn is_context(folder: &str) -> bool {
    folder.starts_with("shared/domain/") && folder != "shared/domain/kernel"
}

fn is_pure(folder: &str) -> bool {
    const PURE: [&str; 13] = [
        "shared/environment",
        "shared/json",
        "shared/event",
        "shared/claim-check",
        "shared/commit",
        "shared/publish",
        "shared/event-store",
        "shared/sealing",
        "shared/audit",
        "shared/saga",
        "shared/relay",
        "shared/projection",
        "shared/views",
    ];
    PURE.contains(&folder) || folder.starts_with("shared/domain/") || folder.starts_with("shared/context/")
}

fn speaks_to_aws(name: &str) -> bool {
    name.starts_with("aws-") || name.starts_with("lambda") || name.starts_with("aws_")
}

#[test]
fn every_crate_has_its_place() {
    for (folder, package) in WORKSPACE.members() {
        let name = &package.name;
        assert_ne!(
            place_of(folder),
            Place::Unknown,
            "{name}: give {folder} a layer in shared/rules/src/layers.rs"
        );
    }
}

#[test]
fn dependencies_point_downward_only() {
    for (folder, package) in WORKSPACE.members() {
        let Place::Layer(layer) = place_of(folder) else {
            continue;
        };
        for used in ours(package) {
            match place_of(used) {
                Place::Layer(lower) => assert!(lower < layer, "{folder} uses {used}, which is not below it"),
                other => panic!("{folder} uses {used}, which is {other:?}"),
            }
        }
    }
}

#[test]
fn the_library_is_linked_with_nothing_that_cannot_be_published() {
    for (folder, package) in WORKSPACE.members().filter(|(_, package)| package.is_published) {
        for used in WORKSPACE.normal(package).filter(|used| used.folder.is_some()) {
            assert!(
                used.is_published,
                "{folder} is linked with {}, which is not of the library",
                used.name
            );
        }
    }
}

#[test]
fn the_facade_brings_all_of_the_library_but_what_only_tools_use() {
    const APART: [&str; 5] = [
        "onecommit",
        "onecommit-api",
        "onecommit-audit",
        "onecommit-aws-credentials",
        "onecommit-publisher-config",
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

#[test]
fn no_bounded_context_imports_another() {
    for (folder, package) in WORKSPACE.members().filter(|(folder, _)| is_context(folder)) {
        for used in WORKSPACE
            .named(package)
            .filter_map(|dependency| dependency.folder.as_deref())
        {
            assert!(!is_context(used), "{folder} imports {used}");
        }
    }
}

#[test]
fn events_engine_domain_and_handlers_know_no_aws() {
    for (folder, package) in WORKSPACE.members().filter(|(folder, _)| is_pure(folder)) {
        for linked in WORKSPACE.linked(package) {
            assert!(!speaks_to_aws(&linked.name), "{folder} is linked with {}", linked.name);
        }
    }
}

#[test]
fn only_the_adapters_name_the_aws_sdk() {
    // The couriers of notifications are adapters as well, of a port that is the storefront's own.
    let may = |folder: &str| {
        folder.starts_with("shared/aws/") || ["bench", "tests", "functions/notifications"].contains(&folder)
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

#[test]
fn nothing_that_runs_is_linked_with_the_test_kit() {
    for (folder, package) in WORKSPACE
        .members()
        .filter(|(folder, _)| place_of(folder) != Place::Tool)
    {
        assert!(
            ours(package).all(|used| used != "shared/testing"),
            "{folder} needs the test kit outside of its tests"
        );
    }
}
