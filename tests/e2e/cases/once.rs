//! Every event takes effect once, however it came and however often.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use onecommit_engine::Item;
use onecommit_environment::Timestamp;
use onecommit_event::Event;
use serde_json::json;

use crate::aws::{Attributes, Aws, Route, text};
use crate::events::{json_of, order_created, payment_processed, unique};
use crate::rows::{self, number};

/// A message can come back this long: 14 days from its queue, then 14 from the dead-letter queue.
const LONGEST_WAY_BACK_S: i64 = 28 * 24 * 3600;

pub(super) async fn an_event_over_sns_is_handled_and_recorded() {
    is_handled_and_recorded_over(Route::Sns).await;
}

pub(super) async fn an_event_over_event_bridge_is_handled_and_recorded() {
    is_handled_and_recorded_over(Route::EventBridge).await;
}

pub(super) async fn a_bare_event_on_the_queue_is_handled_and_recorded() {
    is_handled_and_recorded_over(Route::Bare).await;
}

pub(super) async fn a_cloud_event_on_the_queue_is_handled_and_recorded() {
    is_handled_and_recorded_over(Route::CloudEvent).await;
}

async fn is_handled_and_recorded_over(route: Route) {
    let (aws, event) = (Aws::connect(), order_created());
    aws.send(&event, route).await;
    shows_as_handled(&aws.handled(&event).await, &event);
    let order = aws
        .order(event.aggregate().id())
        .await
        .expect("one transaction wrote the ledger and the view");
    shows_the_order(&order, &event);
}

fn shows_as_handled(recorded: &Item, event: &Event) {
    assert_eq!(rows::text(recorded, "outcome"), Some("handled"));
    assert_eq!(rows::text(recorded, "eventType"), Some(event.event_type()));
    assert_eq!(
        rows::text(recorded, "fingerprint"),
        Some(event.fingerprint().to_string().as_str())
    );
    assert!(rows::text(recorded, "sourceMessageId").is_some_and(|id| !id.is_empty()));
    let handled_at = Timestamp::parse(rows::text(recorded, "handledAt").unwrap()).unwrap();
    assert!(handled_at >= event.timestamp());
    assert!(number(recorded, "ttl").unwrap() - handled_at.unix_seconds() >= LONGEST_WAY_BACK_S);
}

fn shows_the_order(order: &Item, event: &Event) {
    let told = json_of(event);
    assert_eq!(rows::text(order, "orderId"), Some(event.aggregate().id()));
    assert_eq!(rows::text(order, "customerId"), told["payload"]["customerId"].as_str());
    assert_eq!(rows::text(order, "createdAt"), told["timestamp"].as_str());
    assert_eq!(rows::text(order, "status"), Some("created"));
    assert_eq!(rows::text(order, "currency"), Some("EUR"));
    assert_eq!(
        (number(order, "itemCount"), number(order, "totalMinorUnits")),
        (Some(2), Some(2_500))
    );
}

pub(super) async fn a_payment_told_over_every_route_and_many_times_is_added_once() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let payment = payment_processed(&order_id, 2_500);
    for route in [Route::ALL, Route::ALL, Route::ALL].concat() {
        aws.send(&payment, route).await;
    }
    aws.handled(&payment).await;
    aws.drained().await;
    let order = aws.order(&order_id).await.expect("the payment was handled");
    assert_eq!(number(&order, "paidMinorUnits"), Some(2_500));
    assert_eq!(rows::text(&order, "status"), Some("paid"));
    assert!(aws.dead_letters().all_with(&order_id).is_empty());
}

pub(super) async fn a_parked_copy_of_a_handled_event_may_be_redriven_without_effect() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let payment = payment_processed(&order_id, 2_500);
    aws.send(&payment, Route::Sns).await;
    let recorded = aws.handled(&payment).await;
    // A crash after the commit, repeated until the queue gave the message up, leaves such a copy.
    aws.send_to(
        aws.deployment.output("ConsumerDlqUrl"),
        &payment.to_json(),
        Attributes::new(),
    )
    .await;
    let parked = aws.dead_letters().with(&order_id).await;
    aws.send_body(&parked.body, parked.attributes.into_iter().collect())
        .await;
    aws.drained().await;
    assert_eq!(
        number(&aws.order(&order_id).await.unwrap(), "paidMinorUnits"),
        Some(2_500)
    );
    assert_eq!(
        aws.ledger_row(&payment).await,
        Some(recorded),
        "what was recorded stays as it is"
    );
    assert_eq!(
        aws.dead_letters().all_with(&order_id).len(),
        1,
        "it is not parked again"
    );
}

pub(super) async fn an_id_that_returns_with_another_payload_is_parked_and_changes_nothing() {
    let (aws, order_id) = (Aws::connect(), unique("ord"));
    let payment = payment_processed(&order_id, 2_500);
    aws.send(&payment, Route::Bare).await;
    aws.handled(&payment).await;
    let mut tampered = json_of(&payment);
    tampered["payload"]["amount"]["minorUnits"] = json!(1);
    aws.send_body(&tampered.to_string(), Attributes::new()).await;
    assert_eq!(
        aws.dead_letters().with(&order_id).await.reason(),
        Some("ContradictsHandled")
    );
    assert_eq!(
        number(&aws.order(&order_id).await.unwrap(), "paidMinorUnits"),
        Some(2_500)
    );
}

pub(super) async fn an_attribute_that_is_no_utf8_does_not_keep_a_message_from_being_handled() {
    let (aws, event) = (Aws::connect(), order_created());
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([0xff, 0x00, 0xc3]));
    let attributes = vec![
        ("Thumbnail".to_owned(), bytes.build().unwrap()),
        ("Note".to_owned(), text("see it")),
    ];
    let message_id = aws.send_body(&event.to_json(), attributes).await;
    assert_eq!(
        rows::text(&aws.handled(&event).await, "sourceMessageId"),
        Some(message_id.as_str())
    );
}
