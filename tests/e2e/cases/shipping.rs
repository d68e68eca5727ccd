//! The example that users copy, deployed beside the system.

use crate::aws::Aws;
use crate::deployment;
use crate::events::order_created;
use crate::patience::eventually_some;
use crate::rows::text;

pub(super) async fn an_order_becomes_one_shipment_however_often_it_is_told() {
    let aws = Aws::connect();
    let topic = aws.deployment.output("EventsTopicArn");
    let outputs = deployment::another_stack(
        "shipping-e2e",
        "examples/shipping-consumer/template.yaml",
        &[("EventsTopicArn", topic)],
    );
    let order = order_created();
    for _ in 0..5 {
        aws.publish_from_store(&order).await;
    }
    let order_id = order.aggregate().id();
    let key = [("pk", format!("shipment#{order_id}")), ("sk", "status".to_owned())];
    let shipped = async || aws.row(&outputs["ShipmentsTableName"], &key).await;
    let shipment = eventually_some("the order to be shipped", shipped).await;
    aws.drained_queue(&outputs["ShippingQueueUrl"]).await;
    assert_eq!(
        (text(&shipment, "orderId"), text(&shipment, "status")),
        (Some(order_id), Some("requested"))
    );
    let ledger_key = [("pk", format!("shipping#{}", order.id()))];
    let recorded = aws
        .row(&outputs["LedgerTableName"], &ledger_key)
        .await
        .expect("it is recorded as handled");
    assert_eq!(text(&recorded, "outcome"), Some("handled"));
    // The topic is everybody's: what other cases break on purpose is parked here too.
    let parked = aws.take_bodies(&outputs["ShippingDlqUrl"]).await;
    assert!(
        !parked.iter().any(|body| body.contains(order_id)),
        "copies are absorbed, not parked"
    );
}
