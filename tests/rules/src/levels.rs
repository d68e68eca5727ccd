use std::fs;

use crate::workspace::{Package, WORKSPACE, root};

/// What is linked with the planner of queries, which asks `tracing` to leave out the level `trace` from release builds.
/// Features hold for all that one call of cargo builds, so a function of queries is built with a call of its own.
const OF_QUERIES: &[&str] = &["shared/graph", "functions/graphql"];
fn loses_levels(package: &Package) -> bool {
    let of_tracing = package
        .uses
        .iter()
        .filter(|used| used.name == "tracing" && used.is_linked);
    let mut features = of_tracing.flat_map(|used| &used.features);
    features.any(|feature| feature.contains("max_level") && !feature.ends_with("max_level_trace"))
}

/// What runs, and the library that it is made of, without what answers queries.
fn others() -> impl Iterator<Item = (&'static str, &'static Package)> {
    WORKSPACE.members().filter(|(folder, _)| {
        let is_built = folder.starts_with("functions/") || folder.starts_with("shared/");
        is_built && !OF_QUERIES.contains(folder)
    })
}

#[test]
fn no_function_loses_a_log_level() {
    for (folder, package) in others() {
        for linked in WORKSPACE.linked(package) {
            assert!(
                !loses_levels(linked),
                "{folder} is linked with {}, which switches levels of the log off for all of it",
                linked.name
            );
        }
    }
}

#[test]
fn the_planner_is_why_there_is_a_rule() {
    let planner = WORKSPACE
        .packages()
        .find(|package| package.name == "hive-router-query-planner");
    assert!(
        planner.is_some_and(loses_levels),
        "the planner keeps all levels: the rule can go"
    );
}

#[test]
fn functions_that_lose_a_level_are_packaged_alone() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let alone = makefile
        .lines()
        .find_map(|line| line.strip_prefix("ALONE := $(filter "));
    let alone: Vec<&str> = alone
        .and_then(|rest| rest.split(',').next())
        .unwrap_or_default()
        .split(' ')
        .collect();
    let functions = OF_QUERIES.iter().filter_map(|folder| folder.strip_prefix("functions/"));
    assert_eq!(
        alone,
        functions.collect::<Vec<_>>(),
        "the Makefile packages them by a call of their own"
    );
    assert!(makefile.contains("$(filter-out $(ALONE),$(ROLES))"), "and by no other");
}
