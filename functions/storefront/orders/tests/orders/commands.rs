//! What the saga's commands come to.

use onecommit_engine::Verdict;
use onecommit_testing::an_event;
use serde_json::json;
use storefront_orders::{OrderRefused, OrderUnchanged};

use crate::context::{Context, ORDER, cancel, confirm, create};

#[tokio::test]
async fn each_command_is_answered_by_what_happened_to_the_order() {
    let context = Context::new();
    assert_eq!(context.command(create()).await.event_type(), "OrderCreated");
    assert_eq!(context.command(confirm()).await.event_type(), "OrderConfirmed");
    assert_eq!(context.event_types("Order").await, ["OrderCreated", "OrderConfirmed"]);
    let context = Context::new();
    context.command(create()).await;
    assert_eq!(
        context.command(cancel("out of stock")).await.event_type(),
        "OrderCancelled"
    );
}

#[tokio::test]
async fn a_command_asked_again_under_another_id_is_answered_again_and_happens_once() {
    let context = Context::new();
    context.command(create()).await;
    let again = context.command(create()).await;
    assert_eq!(again.event_type(), "OrderUnchanged");
    assert_eq!(again.aggregate().to_string(), "OrderRequest#ord_1");
    context.command(confirm()).await;
    let again = context.command(confirm()).await;
    let payload = again.decode::<OrderUnchanged>().unwrap().into_payload();
    assert_eq!(
        serde_json::to_value(&payload).unwrap(),
        json!({"orderId": ORDER, "status": "confirmed"})
    );
    assert_eq!(context.command(create()).await.event_type(), "OrderUnchanged");
    assert_eq!(context.event_types("Order").await, ["OrderCreated", "OrderConfirmed"]);
}

#[tokio::test]
async fn the_same_message_twice_is_answered_once() {
    let context = Context::new();
    let command = an_event("OrderSaga", ORDER, create());
    assert_eq!(context.kit.receive(&[&command]).await, [Verdict::Done]);
    assert_eq!(context.kit.receive(&[&command]).await, [Verdict::Duplicate]);
    assert_eq!(context.event_types("Order").await, ["OrderCreated"]);
    assert!(context.events("OrderRequest").await.is_empty());
}

#[tokio::test]
async fn an_order_that_is_not_there_is_cancelled_and_one_that_comes_later_can_be_cancelled_too() {
    let context = Context::new();
    assert_eq!(context.command(cancel("too late")).await.event_type(), "OrderUnchanged");
    context.command(create()).await;
    assert_eq!(context.command(cancel("too late")).await.event_type(), "OrderCancelled");
    assert_eq!(
        context.command(cancel("other words")).await.event_type(),
        "OrderUnchanged"
    );
    assert_eq!(context.command(create()).await.event_type(), "OrderRefused");
}

#[tokio::test]
async fn an_impossible_command_is_refused_with_a_reason() {
    let context = Context::new();
    assert_eq!(context.command(confirm()).await.event_type(), "OrderRefused");
    context.command(create()).await;
    let mut other = create();
    other.customer_id = "cus_8".to_owned();
    assert_eq!(context.command(other).await.event_type(), "OrderRefused");
    context.command(confirm()).await;
    let refused = context.command(cancel("changed my mind")).await;
    let refused = refused.decode::<OrderRefused>().unwrap().into_payload();
    assert!(refused.reason.contains("paid"), "{}", refused.reason);
    assert_eq!(context.event_types("Order").await, ["OrderCreated", "OrderConfirmed"]);
}

#[tokio::test]
async fn an_order_whose_lines_do_not_add_up_is_refused_and_not_placed() {
    let context = Context::new();
    let mut wrong = create();
    wrong.items[0].quantity = 3;
    let refused = context.command(wrong).await;
    let refused = refused.decode::<OrderRefused>().unwrap().into_payload();
    assert!(
        refused.reason.contains("do not add up to the total"),
        "{}",
        refused.reason
    );
    assert!(context.events("Order").await.is_empty());
}

#[tokio::test]
async fn a_command_costs_one_read_and_one_transaction() {
    let context = Context::new();
    context.command(create()).await;
    let before = context.database.requests();
    let command = an_event("OrderSaga", ORDER, confirm());
    context.kit.receive(&[&command]).await;
    assert_eq!(context.database.requests() - before, 2);
}
