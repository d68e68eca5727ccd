//! Each way in which the outside may get where it must not be is noticed.

use onecommit_testing::simulation::{FaultRates, Search};

use super::Adversary;
use super::attacks::ATTACKS;

fn is_noticed(adversary: Adversary) -> String {
    let broken = Search::of(&adversary)
        .randomly(0..50, FaultRates::default())
        .unwrap_err();
    assert!(broken.repeats, "{broken}");
    broken.what
}

#[test]
fn every_attack_is_tried_in_a_calm_world_and_comes_to_what_it_has_to() {
    let (world, verdict) = Search::of(&Adversary::KeptOut).calmly();
    assert_eq!(verdict, Ok(()));
    let notes = world.notes();
    for attack in ATTACKS {
        let is_of_it = |note: &&String| note.ends_with(&format!(": {}", attack.name));
        assert_eq!(notes.iter().filter(is_of_it).count(), 1, "{}: {notes:?}", attack.name);
    }
}

#[test]
fn no_name_of_an_attack_is_a_part_of_another() {
    for attack in ATTACKS {
        let found = ATTACKS.iter().filter(|other| other.name.contains(attack.name));
        assert_eq!(found.count(), 1, "{}", attack.name);
    }
}

#[test]
fn an_orchestrator_that_hears_the_outside_is_noticed() {
    is_noticed(Adversary::HeardByTheOrchestrator);
}

#[test]
fn a_view_that_hears_the_outside_is_noticed() {
    is_noticed(Adversary::HeardByTheView);
}

#[test]
fn one_name_for_a_consumer_of_either_way_is_noticed() {
    is_noticed(Adversary::SharesAName);
}

#[test]
fn a_role_that_is_not_bound_to_its_keys_is_noticed() {
    is_noticed(Adversary::GrantedEveryKey);
}
