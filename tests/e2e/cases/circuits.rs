//! Circuits that processes share: what one has seen of a service, the others know.

use onecommit_engine::Item;
use onecommit_environment::Environment;
use serde_json::{Value, json};

use crate::api::invoke;
use crate::aws::Aws;
use crate::cases::graph::session_of;
use crate::cases::operator::{operator, printed};
use crate::events::unique;
use crate::front_doors::{FrontDoor, Played};
use crate::patience::eventually;
use crate::rows::{number, text};

/// The circuit before the service that is taken away.
const CIRCUIT: &str = "recommendations";

async fn row(aws: &Aws) -> Item {
    let key = [("pk", format!("Circuit#{CIRCUIT}"))];
    let found = aws.row(aws.deployment.output("CircuitsTableName"), &key).await;
    found.unwrap_or_default()
}

async fn state(aws: &Aws) -> String {
    text(&row(aws).await, "state").unwrap_or("closed").to_owned()
}

/// The fleet counts calls in windows of ten seconds.
fn window() -> i64 {
    Environment::system().clock().now().unix_ms() / 10_000
}

/// The circuit's events.
fn events(aws: &Aws) -> Vec<Value> {
    let stream = format!("Circuit#{CIRCUIT}");
    printed(&operator(aws, &["events", "show", &stream, "--json"]))
}

fn types(events: &[Value]) -> Vec<&str> {
    let types = events.iter().map(|event| event["eventType"].as_str().unwrap());
    types.collect()
}

fn circuits(aws: &Aws, arguments: &[&str]) -> Value {
    let arguments = [&["circuits"], arguments, &["--json"]].concat();
    let shown = printed(&operator(aws, &arguments));
    let ours = shown.into_iter().find(|circuit| circuit["circuit"] == CIRCUIT);
    ours.expect("the circuit is printed")
}

fn force(aws: &Aws, to: &str) -> Value {
    circuits(aws, &["force", CIRCUIT, to, "--yes"])
}

/// What the deployed front door says of its services. It is invoked itself: the local AWS has no route of any method.
fn health_of_the_function(aws: &Aws) -> Value {
    let asked = json!({"resource": "/{proxy+}", "path": "/health", "httpMethod": "GET", "headers": {"Host": "shop.test"},
        "requestContext": {"httpMethod": "GET", "stage": "local"}, "isBase64Encoded": false});
    let answer = invoke(
        aws.deployment,
        aws.deployment.output("BffFunctionName"),
        &asked.to_string(),
    );
    let body = answer.body["body"].as_str().unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer:?}"))
}

fn is_lacking(lacks: &[String]) -> bool {
    lacks.iter().any(|name| name == CIRCUIT)
}

pub(super) async fn a_circuit_that_two_processes_open_is_open_for_a_third_and_closes_when_its_service_is_back() {
    let (aws, session) = (Aws::connect(), session_of(&unique("ada")));
    let (broken, sound, all_else) = (Played::new(), Played::new(), Played::new());
    let failing = [(); 2].map(|()| FrontDoor::start(&aws, &broken, &all_else));
    // Its own service always works: what it knows of the outage is the others'.
    let third = FrontDoor::start(&aws, &sound, &all_else);
    let doors = || failing.iter().chain([&third]);
    let ask_failing = || failing.iter().for_each(|door| drop(door.lacks(&session)));
    let nobody_lacks = async || doors().all(|door| door.lacks(&session).is_empty());
    eventually("whole dashboards", nobody_lacks, |whole| *whole).await;

    // Two processes make few calls, and some of this window succeeded: the fleet would go on judging by more of them.
    let healthy = window();
    eventually("a window without successes", async || window(), |now| *now > healthy).await;
    broken.take_away();
    let opened = async || {
        ask_failing();
        state(&aws).await
    };
    eventually("the circuit to open", opened, |state| state == "open").await;
    // Nobody asks now, so nothing changes.
    let story = events(&aws);
    assert_eq!(
        usize::try_from(number(&row(&aws).await, "epoch").unwrap()).unwrap(),
        story.len()
    );
    assert_eq!(types(&story).last(), Some(&"CircuitOpened"));
    assert_eq!(story.last().unwrap()["payload"]["reporters"], 2, "{story:?}");

    let refused = async || {
        ask_failing();
        let asked = sound.asked();
        is_lacking(&third.lacks(&session)) && sound.asked() == asked
    };
    eventually("the third process to make no call", refused, |refused| *refused).await;
    assert_ne!(circuits(&aws, &["list"])["state"], "closed");
    assert!(circuits(&aws, &["show", CIRCUIT])["epoch"].as_u64().unwrap() >= 1);

    broken.bring_back();
    let closed = async || {
        ask_failing();
        state(&aws).await
    };
    eventually("the circuit to close", closed, |state| state == "closed").await;
    let story = events(&aws);
    assert_eq!(
        usize::try_from(number(&row(&aws).await, "epoch").unwrap()).unwrap(),
        story.len()
    );
    assert_eq!(types(&story)[story.len() - 2..], ["CircuitHalfOpened", "CircuitClosed"]);
    eventually("whole dashboards again", nobody_lacks, |whole| *whole).await;

    an_operator_decides(&aws, &session, [&failing[0], &failing[1], &third], &broken).await;

    let story = events(&aws);
    let metrics: Vec<Value> = failing.into_iter().chain([third]).flat_map(FrontDoor::end).collect();
    for (event, metric) in [
        ("CircuitOpened", "CircuitOpened"),
        ("CircuitHalfOpened", "CircuitHalfOpened"),
        ("CircuitClosed", "CircuitClosed"),
    ] {
        let counted: u64 = metrics.iter().filter_map(|line| line[metric].as_u64()).sum();
        let told = types(&story).iter().filter(|told| **told == event).count();
        assert_eq!(usize::try_from(counted).unwrap(), told, "{event}");
    }
    let is_noted =
        |line: &Value| line["CircuitNotClosed"] == 1 && line["Caller"] == "bff" && line["Circuit"] == CIRCUIT;
    assert!(metrics.iter().any(is_noted));
}

/// Forced open, everybody makes no call, also the function that is deployed; forced closed, everybody does; released, it decides
/// by itself.
async fn an_operator_decides(aws: &Aws, session: &str, doors: [&FrontDoor; 3], broken: &Played) {
    assert_eq!(force(aws, "open")["state"], "forcedOpen");
    assert_eq!(circuits(aws, &["list"])["state"], "forcedOpen");
    assert_eq!(circuits(aws, &["show", CIRCUIT])["state"], "forcedOpen");
    let all_lack = async || doors.iter().all(|door| is_lacking(&door.lacks(session)));
    eventually("everybody to make no call", all_lack, |lack| *lack).await;
    let checked = async || health_of_the_function(aws)["checks"][CIRCUIT]["error"].clone();
    eventually("the function to make no call", checked, |error| *error == "circuitOpen").await;

    broken.take_away();
    assert_eq!(force(aws, "closed")["state"], "forcedClosed");
    let before = broken.asked();
    let made = async || {
        drop(doors[0].lacks(session));
        broken.asked() - before
    };
    // Many more than what would open a circuit of its own.
    eventually("calls in spite of failures", made, |made| *made > 20).await;
    broken.bring_back();
    assert_eq!(force(aws, "released")["state"], "closed");
    let nobody_lacks = async || doors.iter().all(|door| door.lacks(session).is_empty());
    eventually("whole dashboards after it was released", nobody_lacks, |whole| *whole).await;
    let story = events(aws);
    assert_eq!(types(&story)[story.len() - 3..], ["CircuitForced"; 3]);
}
