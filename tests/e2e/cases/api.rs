//! The publisher: over its REST API and invoked directly.

use serde_json::json;

use super::parking::in_an_hour;
use crate::api::{invoke_publisher, post_events};
use crate::aws::Aws;
use crate::events::{json_of, order_created, payment_processed, unique};
use crate::rows::number;

pub(super) async fn one_event_is_published_and_reaches_the_view() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let payment = payment_processed(&order_id, 2_500);
    let answer = post_events(aws.deployment, &payment.to_json());
    assert_eq!(
        (answer.status, &answer.body["published"]),
        (200, &json!(1)),
        "{answer:?}"
    );
    let report = &answer.body["results"][0];
    assert_eq!(
        (&report["status"], &report["eventId"]),
        (&json!("published"), &json!(payment.id())),
        "{report}"
    );
    assert_eq!(
        report["destinations"].as_array().map(Vec::len),
        Some(3),
        "SNS, EventBridge and the FIFO topic: {report}"
    );
    aws.handled(&payment).await;
    aws.drained().await;
    aws.drained_queue(aws.deployment.output("FifoQueueUrl")).await;
    let order = aws.order(&order_id).await.unwrap();
    assert_eq!(
        number(&order, "paidMinorUnits"),
        Some(2_500),
        "it came over all routes, through two functions, and was added once"
    );
}

pub(super) async fn an_array_is_answered_event_by_event_and_its_valid_events_reach_the_view() {
    let aws = Aws::connect();
    let (first, second) = (order_created(), order_created());
    let mut invalid = json_of(&order_created());
    invalid.as_object_mut().unwrap().remove("aggregateId");
    let answer = post_events(
        aws.deployment,
        &json!([json_of(&first), invalid, json_of(&second)]).to_string(),
    );
    assert_eq!(answer.status, 207, "{answer:?}");
    assert_eq!(answer.body["results"].as_array().map(Vec::len), Some(3));
    let counts = ["published", "failed", "rejected"].map(|name| answer.body[name].as_u64());
    assert_eq!(counts, [Some(2), Some(0), Some(1)]);
    let [one, rejected, other] = [0, 1, 2].map(|place| &answer.body["results"][place]);
    assert_eq!(
        (&one["status"], &one["eventId"]),
        (&json!("published"), &json!(first.id()))
    );
    assert_eq!(
        (&rejected["status"], &rejected["reason"]),
        (&json!("rejected"), &json!("InvalidEvent"))
    );
    assert!(
        rejected["error"]
            .as_str()
            .is_some_and(|error| error.contains("aggregateId")),
        "{rejected}"
    );
    assert_eq!(
        (&other["status"], &other["eventId"]),
        (&json!("published"), &json!(second.id()))
    );
    for event in [&first, &second] {
        aws.handled(event).await;
    }
}

pub(super) async fn what_is_no_event_is_refused_with_a_reason() {
    let aws = Aws::connect();
    for (body, words) in [
        ("{ nonsense", "cannot be read"),
        ("42", "neither an event nor an array"),
        ("\"event\"", "neither"),
    ] {
        let answer = post_events(aws.deployment, body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.body["detail"]
                .as_str()
                .is_some_and(|error| error.contains(words)),
            "{answer:?}"
        );
    }
    let answer = post_events(aws.deployment, r#"{"hello": "world"}"#);
    assert_eq!(
        (answer.status, &answer.body["results"][0]["status"]),
        (400, &json!("rejected")),
        "{answer:?}"
    );
}

pub(super) async fn an_event_from_the_future_is_refused() {
    let (aws, event) = (Aws::connect(), in_an_hour(&order_created()));
    let answer = post_events(aws.deployment, &event.to_json());
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.body["results"][0]["reason"], "FutureTimestamp");
    aws.drained().await;
    assert!(aws.ledger_row(&event).await.is_none(), "it was not published");
    assert!(aws.dead_letters().all_with(&event.id().to_string()).is_empty());
}

pub(super) async fn a_direct_invocation_publishes_too() {
    let (aws, event) = (Aws::connect(), order_created());
    let answer = invoke_publisher(aws.deployment, &event.to_json());
    assert_eq!(
        (answer.status, &answer.body["published"]),
        (200, &json!(1)),
        "{answer:?}"
    );
    aws.handled(&event).await;
    assert!(aws.order(event.aggregate().id()).await.is_some());
}
