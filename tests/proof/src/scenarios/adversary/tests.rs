//! Each way in which the outside may get where it must not be is noticed.

use onecommit_engine::Write;
use onecommit_simulation::{FaultRates, LEDGER, Search};

use super::Adversary;
use super::attacks::{ATTACKS, Attack};
use super::intruder::Misdeeds;
use super::scenario::Trying;

/// Which of the attacks break it, each alone, and the promise that each breaks.
fn broken_by(adversary: Adversary) -> Vec<(&'static str, String)> {
    let broken = ATTACKS.iter().filter_map(|attack| {
        let attacks = std::slice::from_ref(attack);
        let what = breaks(adversary, attacks, |_| false)?;
        Some((attack.name, what))
    });
    broken.collect()
}

/// The promise that is broken.
fn breaks(adversary: Adversary, attacks: &'static [Attack], misdeeds: Misdeeds) -> Option<String> {
    let trying = Trying {
        adversary,
        attacks,
        misdeeds,
    };
    let broken = Search::of(&trying).randomly(0..50, FaultRates::default()).err()?;
    assert!(broken.repeats, "{broken}");
    Some(broken.what)
}

/// Exactly these attacks break it, each the promise whose words begin so.
fn assert_broken(adversary: Adversary, expected: &[(&str, &str)]) {
    let found = broken_by(adversary);
    let attacks = |of: &[(&'static str, String)]| of.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let expected_attacks: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(attacks(&found), expected_attacks, "{found:?}");
    for ((name, what), (_, promise)) in found.iter().zip(expected) {
        assert!(what.starts_with(promise), "{name}: {what}");
    }
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
    assert_broken(
        Adversary::HeardByTheOrchestrator,
        &[
            (
                "an answer past the publisher",
                "Compensated with hotel, airline and bank: free, nothing, charged, 0 tickets",
            ),
            (
                "a cancellation past the publisher",
                "Compensated with hotel, airline and bank: free, nothing, nothing, though no step was given up",
            ),
            ("a time far ahead past the publisher", "parked: [\"FutureTimestamp: "),
        ],
    );
}

#[test]
fn a_view_that_hears_the_outside_is_noticed() {
    assert_broken(
        Adversary::HeardByTheView,
        &[
            (
                "the next place in a stream",
                "entries and letters of ada: (2, 32) instead of (2, 11)",
            ),
            // Its gap is waited for, and never closes.
            ("a place far ahead in a stream", "it goes on for ever"),
        ],
    );
}

#[test]
fn one_name_for_a_consumer_of_either_way_is_noticed() {
    // The entry is handled under the command's id, and the command that comes then is parked.
    let parked = "parked: [\"ContradictsHandled: ";
    assert_broken(
        Adversary::SharesAName,
        &[
            ("the id of a command to come", parked),
            ("a CloudEvents event that is numbered like a command", parked),
        ],
    );
}

/// Whether it touches a row of this consumer's in the ledger.
fn is_of(write: &Write, consumer: &str) -> bool {
    let key = write.key().attributes().first().and_then(|(_, value)| value.as_str());
    write.table().name() == LEDGER && key.is_some_and(|key| key.starts_with(consumer))
}

#[test]
fn a_role_that_is_not_bound_to_its_keys_is_noticed() {
    let kinds: [(&str, Misdeeds); 4] = [
        ("its own rows", |write| is_of(write, "mailer#")),
        ("rows of the services", |write| is_of(write, "services#")),
        ("rows of the guestbook", |write| is_of(write, "guestbook#")),
        ("rows of the orchestrator", |write| is_of(write, "orchestrator#")),
    ];
    let broken = kinds.map(|(kind, misdeeds)| (kind, breaks(Adversary::GrantedEveryKey, &[], misdeeds)));
    let broken: Vec<(&str, Option<&str>)> = broken.iter().map(|(kind, what)| (*kind, what.as_deref())).collect();
    assert_eq!(
        broken,
        [
            ("its own rows", None),
            // The command counts as handled, and is not.
            (
                "rows of the services",
                Some(r#"what was handled under a command's id: Some("Forged") instead of Some("BookRoom")"#)
            ),
            ("rows of the guestbook", Some("first: 0 instead of 1")),
            // The intruder knows the id of no event that it handles.
            ("rows of the orchestrator", None),
        ]
    );
    assert_eq!(breaks(Adversary::KeptOut, &[], |_| true), None);
}
