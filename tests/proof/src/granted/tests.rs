//! A role or a resource's policy that lacks a grant is noticed, by name; so is a name that no part has.

use onecommit_granted::{Cast, Channel, Judged, Part, Roles, TEMPLATE, of_text, template};
use onecommit_simulation::FaultRates;

use super::{CAST, judge, roles};
use crate::scenarios::{self, Plan, outages};

fn plan(name: &str) -> Plan {
    let found = scenarios::all().into_iter().find(|plan| plan.scenario.name() == name);
    found.unwrap_or_else(|| panic!("there is no scenario {name:?}"))
}

/// What is denied: in a calm world, or in one with faults where that is what it takes.
fn denied(roles: &Roles, plan: &Plan) -> String {
    of_denial(plan.scenario.name(), judge(roles, plan))
}

fn of_denial(name: &str, judged: Result<Judged, String>) -> String {
    let Err(what) = judged else {
        panic!("nothing is denied in {name:?}: {judged:?}")
    };
    assert!(what.starts_with("denied:\n"), "{what}");
    what
}

const SAGA: &str = "a saga that is taken back";
const STUCK: &str = "outbox, one event neither leaves nor is parked";
const OUTBOX: &str = "outbox, one event refused";
const REBUILD: &str = "rebuilds of two views";
const SHARED_ROW: &str = "embedded: two consumers on one row";
const OUTSIDER: &str = "an outsider who forges, and a role that misbehaves";

/// Takes statements away, one at a time: of whose policy, which, in which scenario, and what is denied then.
fn notices(taken: &[(&str, &str, &str, &str)]) {
    for (owner, statement, scenario, expected) in taken {
        let roles = Roles::without(&template().unwrap(), CAST, owner, statement).unwrap();
        let what = denied(&roles, &plan(scenario));
        assert!(what.contains(expected), "{owner} without {statement}: {what}");
    }
}

#[test]
fn a_role_that_lacks_a_statement_is_noticed_by_name() {
    notices(&[
        ("RelayRole", "ReadEvents", OUTBOX, " as RelayRole: dynamodb:Query"),
        (
            "RelayRole",
            "ClearMarks",
            OUTBOX,
            " as RelayRole: dynamodb:PartiQLUpdate",
        ),
        ("RelayRole", "Park", OUTBOX, " as RelayRole: sqs:SendMessage"),
        (
            "RelayRole",
            "Route",
            SAGA,
            " as RelayRole: events:PutEvents on EventBus",
        ),
        ("RelayRole", "MarkStuck", STUCK, " as RelayRole: dynamodb:UpdateItem"),
        (
            "OrchestratorRole",
            "TakeFromQueue",
            SAGA,
            " as OrchestratorRole: sqs:ReceiveMessage",
        ),
        (
            "OrchestratorRole",
            "RememberWhatWasHandled",
            SAGA,
            " as OrchestratorRole: dynamodb:PutItem",
        ),
        (
            "OrchestratorRole",
            "KeepSagas",
            SAGA,
            " as OrchestratorRole: dynamodb:GetItem",
        ),
        (
            "OrchestratorRole",
            "SendCommands",
            SAGA,
            " as OrchestratorRole: dynamodb:PutItem",
        ),
        ("SweeperRole", "FindDue", SAGA, " as SweeperRole: dynamodb:Query"),
        (
            "ConsumerRole",
            "KeepTheView",
            SHARED_ROW,
            " as ConsumerRole: dynamodb:UpdateItem",
        ),
        (
            "ConsumerRole",
            "RememberWhatWasHandled",
            SHARED_ROW,
            " as ConsumerRole: dynamodb:PutItem",
        ),
        (
            "CatalogRole",
            "OwnTable",
            OUTBOX,
            " as CatalogRole: dynamodb:UpdateItem",
        ),
        ("ProjectorRole", "KeepViews", REBUILD, " as ProjectorRole: dynamodb:"),
        (
            "ProjectorRole",
            "RememberWhatWasHandled",
            REBUILD,
            " as ProjectorRole: dynamodb:PutItem",
        ),
        (
            "PublisherRole",
            "LeavePayloads",
            OUTSIDER,
            " as PublisherRole: s3:PutObject",
        ),
    ]);
}

/// A topic delivers by the policy of the queue, and leaves what it cannot deliver by that of the dead-letter queue.
#[test]
fn a_queue_that_lacks_a_grant_for_its_topic_is_noticed_by_name() {
    let not_delivered = "CatalogSubscription as sns.amazonaws.com: sqs:SendMessage on CatalogQueue";
    let not_left = "what CatalogSubscription could not deliver as sns.amazonaws.com: sqs:SendMessage on CatalogDlq";
    notices(&[
        ("CatalogQueue", "TopicDelivers", OUTBOX, not_delivered),
        ("CatalogDlq", "TopicDeliversWhatItCouldNotDeliver", OUTBOX, not_left),
        (
            "OrchestratorQueue",
            "TopicDelivers",
            SAGA,
            "OrchestratorSubscription as sns.amazonaws.com",
        ),
        (
            "ConsumerQueue",
            "TopicDelivers",
            OUTSIDER,
            "ConsumerSubscription as sns.amazonaws.com",
        ),
    ]);
}

/// Such as one of the template with one policy changed.
fn with(from: &str, to: &str) -> Roles {
    assert!(TEMPLATE.contains(from), "the template does not say {from}");
    Roles::of(&of_text(&TEMPLATE.replace(from, to)).unwrap(), CAST).unwrap()
}

#[test]
fn a_resources_policy_denies_what_a_role_is_granted() {
    let sweeper_named = "ArnNotLike: { \"aws:PrincipalArn\": [!GetAtt SweeperRole.Arn, !Ref OperatorArn] }";
    let for_operators_only = "ArnNotLike: { \"aws:PrincipalArn\": [!Ref OperatorArn] }";
    let what = denied(&with(sweeper_named, for_operators_only), &plan(SAGA));
    let expected =
        "SweeperFunction as SweeperRole: sqs:SendMessage on OrchestratorQueue: NobodyElseSends of OrchestratorQueue";
    assert!(what.contains(expected), "{what}");

    let publishes = "ArnNotEquals: { \"aws:PrincipalArn\": !GetAtt RelayRole.Arn }";
    let what = denied(
        &with(
            publishes,
            "ArnNotEquals: { \"aws:PrincipalArn\": !GetAtt PublisherRole.Arn }",
        ),
        &plan(SAGA),
    );
    assert!(
        what.contains("sns:Publish on EventsTopic: NobodyElsePublishes of EventsTopic denies it"),
        "{what}"
    );
}

#[test]
fn a_bucket_that_refuses_everybody_is_noticed_by_name() {
    let over_tls = "Resource: [!GetAtt ClaimCheckBucket.Arn, !Sub \"${ClaimCheckBucket.Arn}/*\"]\n            Condition:\n              \
                    Bool: { \"aws:SecureTransport\": \"false\" }";
    let always = over_tls.replace("\"false\"", "\"true\"");
    let what = denied(&with(over_tls, &always), &plan(OUTSIDER));
    let expected = "as PublisherRole: s3:PutObject on ClaimCheckBucket";
    assert!(
        what.contains(expected) && what.contains("RefusePlainHttp of ClaimCheckBucket denies it"),
        "{what}"
    );
}

#[test]
fn a_day_s_orders_claim_payloads_as_granted() {
    let roles = roles().unwrap();
    let calmly = |roles: &Roles| roles.judge(&outages::calm_day(), 0, FaultRates::default());
    let judged = calmly(&roles).unwrap();
    assert!(judged.granted > 0 && judged.delivered > 0, "{judged:?}");
    let without = Roles::without(&template().unwrap(), CAST, "CatalogRole", "ClaimPayloads").unwrap();
    let what = of_denial("the day", calmly(&without));
    assert!(
        what.contains("orders: CatalogFunction as CatalogRole: s3:GetObject on ClaimCheckBucket"),
        "{what}"
    );
}

#[test]
fn a_name_that_no_part_has_is_denied() {
    const MOVES: Part = Part {
        process: "moves",
        function: "CatalogFunction",
        queue: Some(("moves", "CatalogQueue")),
        ..Part::NOTHING
    };
    const NOBODY: Cast = Cast {
        parts: &[],
        topics: &[],
        queues: &[],
        apart: &[],
    };
    let moves_only = Cast {
        parts: &[MOVES],
        topics: &[("moves", Channel::Topic("EventsTopic"))],
        ..NOBODY
    };
    let to_outside = Cast {
        topics: &[("moves", Channel::Topic("OutsideTopic"))],
        ..moves_only
    };
    for (cast, expected) in [
        (NOBODY, "from moves to moves: the cast has no such topic"),
        (
            Cast {
                parts: &[],
                ..moves_only
            },
            "from moves to moves: the cast has no such queue",
        ),
        (
            to_outside,
            "nothing of the template subscribes CatalogQueue to OutsideTopic",
        ),
        (moves_only, "moves as CatalogFunction: it has no table "),
    ] {
        let what = denied(&Roles::of(&template().unwrap(), cast).unwrap(), &plan("outbox"));
        assert!(what.contains(expected), "{expected}: {what}");
    }
}

#[test]
fn a_statement_that_is_not_there_cannot_be_taken_away() {
    let taken = Roles::without(&template().unwrap(), CAST, "RelayRole", "Gone");
    assert_eq!(taken.err().unwrap().to_string(), "RelayRole has no statement Gone");
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
    let roles = roles().unwrap();
    let (mut wrong, mut not_judged) = (Vec::new(), Vec::new());
    for plan in scenarios::all() {
        let name = plan.scenario.name().to_owned();
        match judge(&roles, &plan) {
            Ok(judged) if judged.granted == 0 => not_judged.push(name),
            Ok(_) => {}
            Err(what) => wrong.push(format!("{name}: {what}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(not_judged, NOT_JUDGED);
}
