//! Deliberate bugs stand between a process and its ports, in the simulation, or are patches of a copy of the tree. Nothing
//! that runs holds one, and nothing that runs can switch one on.

use std::fs;

use crate::sources::{code, sources_of};
use crate::workspace::{WORKSPACE, root};

/// What a switch for bugs looks like in code.
const SWITCHES: &[&str] = &["Mutant::", "is_on(Bug", "fail_point!", "fail::", "Sabotage", "sabotage"];
/// Crates whose purpose is to switch faults on inside of a program.
const CRATES: &[&str] = &["onecommit-mutants", "fail", "fail-parallel", "failpoints"];
/// The simulation, whose ports take sabotages.
const SIMULATION: &str = "shared/simulation/";

#[test]
fn nothing_that_runs_holds_a_switch_for_bugs() {
    for (name, text) in ["shared", "functions"].into_iter().flat_map(sources_of) {
        if name.starts_with(SIMULATION) {
            continue;
        }
        let code = code(&text);
        for switch in SWITCHES {
            assert!(
                !code.contains(switch),
                "{name}: {switch} - a bug belongs into tests/proof, as a sabotage or a patch"
            );
        }
    }
}

#[test]
fn nothing_is_linked_with_a_crate_that_switches_faults_on() {
    for package in WORKSPACE.packages() {
        assert!(!CRATES.contains(&package.name.as_str()), "{} is linked", package.name);
    }
}

#[test]
fn the_modules_of_make_mutants_are_there() {
    let settings = fs::read_to_string(root().join(".cargo/mutants.toml")).unwrap();
    let quoted = settings
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    let modules: Vec<&str> = quoted.filter(|path| path.ends_with(".rs")).collect();
    assert!(!modules.is_empty());
    for module in modules {
        let there = module.split("/*").next().unwrap_or_default();
        assert!(
            root().join(there.trim_end_matches("/*")).exists(),
            "{module} is not there"
        );
    }
}
