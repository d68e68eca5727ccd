//! Deliberate bugs stand between a process and its ports, in the simulation, or are patches of a copy of the tree. Nothing
//! that runs holds one, and nothing that runs can switch one on.

use crate::sources::{code, sources_of};
use crate::workspace::WORKSPACE;

/// What a switch for bugs looks like in code.
const SWITCHES: &[&str] = &["Mutant::", "is_on(Bug", "fail_point!", "fail::", "Sabotage", "sabotage"];
/// Crates whose purpose is to switch faults on inside of a program.
const CRATES: &[&str] = &["onecommit-mutants", "fail", "fail-parallel", "failpoints"];
/// The simulation, whose ports take sabotages.
const SIMULATION: &str = "shared/testing/";

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
