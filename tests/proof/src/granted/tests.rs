//! A role that lacks a grant is noticed, by name.

use super::Roles;
use crate::scenarios::{self, Plan};

fn plan(name: &str) -> Plan {
    let found = scenarios::all().into_iter().find(|plan| plan.scenario.name() == name);
    found.unwrap_or_else(|| panic!("there is no scenario {name:?}"))
}

const SAGA: &str = "a saga that is taken back";
const STUCK: &str = "outbox, one event neither leaves nor is parked";
const OUTBOX: &str = "outbox, one event refused";
const REBUILD: &str = "rebuilds of two views";

#[test]
fn a_role_that_lacks_a_statement_is_noticed_by_name() {
    for (role, statement, scenario, denied) in [
        ("RelayRole", "ReadEvents", OUTBOX, "dynamodb:Query"),
        ("RelayRole", "ClearMarks", OUTBOX, "dynamodb:PartiQLUpdate"),
        ("RelayRole", "FanOut", OUTBOX, "sns:Publish"),
        ("RelayRole", "Park", OUTBOX, "sqs:SendMessage"),
        ("RelayRole", "MarkStuck", STUCK, "dynamodb:UpdateItem"),
        ("OrchestratorRole", "TakeFromQueue", SAGA, "sqs:ReceiveMessage"),
        ("OrchestratorRole", "RememberWhatWasHandled", SAGA, "dynamodb:PutItem"),
        ("OrchestratorRole", "KeepSagas", SAGA, "dynamodb:GetItem"),
        ("OrchestratorRole", "SendCommands", SAGA, "dynamodb:PutItem"),
        ("SweeperRole", "FindDue", SAGA, "dynamodb:Query"),
        ("ConsumerRole", "KeepTheView", OUTBOX, "dynamodb:UpdateItem"),
        ("ConsumerRole", "RememberWhatWasHandled", OUTBOX, "dynamodb:PutItem"),
        ("ProjectorRole", "KeepViews", REBUILD, "dynamodb:"),
        ("ProjectorRole", "RememberWhatWasHandled", REBUILD, "dynamodb:PutItem"),
    ] {
        let roles = Roles::without(Some((role, statement))).unwrap();
        let Err(what) = roles.judge(&plan(scenario)) else {
            panic!("{role} without {statement} is not noticed in {scenario:?}")
        };
        assert!(
            what.contains(&format!(" as {role}: {denied}")),
            "{role} without {statement}: {what}"
        );
    }
}

/// Whose processes stand for no function: clerks, a consumer that reads streams of the store and keeps a table as well, and
/// callers of services with circuits and rates of their own.
const NOT_JUDGED: [&str; 7] = [
    "copies, one by one",
    "copies, in batches",
    "an account, read from its events",
    "an account, read from snapshots",
    "a circuit that two try again at once",
    "a circuit that is tried one by one",
    "a rate limit by leased tokens",
];

#[test]
fn no_scenario_needs_more_than_its_roles_grant() {
    let roles = Roles::of_template().unwrap();
    let (mut wrong, mut not_judged) = (Vec::new(), Vec::new());
    for plan in scenarios::all() {
        let name = plan.scenario.name().to_owned();
        match roles.judge(&plan) {
            Ok(judged) if judged.granted == 0 => not_judged.push(name),
            Ok(_) => {}
            Err(what) => wrong.push(format!("{name}: {what}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(not_judged, NOT_JUDGED);
}
