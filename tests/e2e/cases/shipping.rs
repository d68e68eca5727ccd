//! The example that users copy: built outside of this repository from packed crates, deployed with a topic that is not
//! ours, and told of orders by clients that know nothing of ours.

use std::process::Command;

use aws_sdk_sns::types::MessageAttributeValue;

use crate::aws::Aws;
use crate::deployment;
use crate::events::unique;
use crate::local_aws::{python, workspace};
use crate::patience::eventually_some;
use crate::rows::text;

/// Where `make example` puts it.
const TEMPLATE: &str = "build/outside/shipping/template.yaml";

pub(super) async fn a_service_of_ones_own_absorbs_copies_and_parks_poison() {
    let aws = Aws::connect();
    let created = aws.sns.create_topic().name(unique("company")).send().await.unwrap();
    let topic = created.topic_arn.unwrap();
    let outputs = deployment::another_stack("shipping-e2e", TEMPLATE, &[("EventsTopicArn", &topic)]);

    let order_id = unique("ord");
    let first = send(&aws, &[&topic, &order_id]);
    for _ in 0..4 {
        assert_eq!(send(&aws, &[&topic, &order_id, &first]), first);
    }
    let poison = format!(r#"{{"eventType":"OrderCreated","about":"{order_id}"}}"#);
    let request = aws.sns.publish().topic_arn(&topic).message(&poison);
    let request = request.message_attributes("EventType", sns_text("OrderCreated"));
    request.send().await.unwrap();

    let key = [("pk", format!("shipment#{order_id}")), ("sk", "status".to_owned())];
    let shipped = async || aws.row(&outputs["ShipmentsTableName"], &key).await;
    let shipment = eventually_some("the order to be shipped", shipped).await;
    aws.drained_queue(&outputs["ShippingQueueUrl"]).await;
    assert_eq!(
        (text(&shipment, "orderId"), text(&shipment, "status")),
        (Some(order_id.as_str()), Some("requested"))
    );
    let ledger_key = [("pk", format!("shipping#{first}"))];
    let recorded = aws.row(&outputs["LedgerTableName"], &ledger_key).await;
    assert_eq!(recorded.as_ref().and_then(|row| text(row, "outcome")), Some("handled"));
    let dead_letters = &outputs["ShippingDlqUrl"];
    let taken = async || aws.take_some(dead_letters).await.into_iter().next();
    let parked = eventually_some("the poison to be parked", taken).await;
    assert!(parked.contains(&order_id) && parked.contains("about"), "{parked}");
    let more = aws.take_bodies(dead_letters).await;
    assert!(more.is_empty(), "copies are absorbed, not parked: {more:?}");
}

/// Plays the producer; gives the id of the event.
fn send(aws: &Aws, arguments: &[&str]) -> String {
    let mut command = Command::new(python().unwrap());
    command
        .arg(workspace().join("examples/producers/send.py"))
        .args(arguments);
    command.env("AWS_ENDPOINT_URL", &aws.deployment.endpoint);
    command.env("AWS_DEFAULT_REGION", &aws.deployment.region);
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn sns_text(value: &str) -> MessageAttributeValue {
    let text = MessageAttributeValue::builder().data_type("String");
    text.string_value(value).build().unwrap()
}
