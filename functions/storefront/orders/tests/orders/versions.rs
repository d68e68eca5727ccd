//! Versions of orders as entity tags.

use serde_json::{Value, json};

use crate::context::{Context, confirm, create, wanted};

#[tokio::test]
async fn an_order_that_is_not_placed_has_no_version_to_compare() {
    let context = Context::new();
    context.place(wanted()).await;
    let shown = context.get("/orders/ord_1").await;
    assert_eq!((shown.tag, &shown.body["version"]), (None, &json!(0)));
    let request = &context.events("OrderRequest").await[0];
    assert_eq!(shown.body["createdAt"], json!(request.timestamp().to_string()));
    let again = context
        .ask_with("GET", "/orders/ord_1", Some(("if-none-match", "\"0\"")), Value::Null)
        .await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn an_order_that_the_caller_has_is_not_sent_again() {
    let context = Context::new();
    context.place(wanted()).await;
    context.command(create()).await;
    let shown = context.get("/orders/ord_1").await;
    assert_eq!(
        (shown.tag.as_deref(), &shown.body["version"]),
        (Some("\"1\""), &json!(1))
    );
    let get = |tag| context.ask_with("GET", "/orders/ord_1", Some(("if-none-match", tag)), Value::Null);
    let same = get("\"1\"").await;
    assert_eq!(
        (same.status, same.tag.as_deref(), same.body),
        (304, Some("\"1\""), Value::Null)
    );
    context.command(confirm()).await;
    let changed = get("\"1\"").await;
    assert_eq!((changed.status, changed.tag.as_deref()), (200, Some("\"2\"")));
}

#[tokio::test]
async fn fulfilment_that_knows_another_version_changes_nothing() {
    let context = Context::new();
    context.place(wanted()).await;
    context.command(create()).await;
    context.command(confirm()).await;
    let shipment = json!({"carrier": "DHL", "trackingId": "JD-1"});
    let ship = |tag| {
        context.ask_with(
            "POST",
            "/orders/ord_1/shipment",
            Some(("if-match", tag)),
            shipment.clone(),
        )
    };
    let refused = ship("\"1\"").await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (412, &json!("versionMismatch"))
    );
    assert_eq!(context.event_types("Order").await, ["OrderCreated", "OrderConfirmed"]);
    let shipped = ship("\"2\"").await;
    assert_eq!((shipped.status, shipped.tag.as_deref()), (200, Some("\"3\"")));
    assert_eq!(
        (&shipped.body["status"], &shipped.body["version"]),
        (&json!("shipped"), &json!(3))
    );
    let reason = json!({"reason": "too late"});
    let cancelled = context
        .ask_with(
            "POST",
            "/orders/ord_1/cancellation",
            Some(("if-match", "\"2\"")),
            reason,
        )
        .await;
    assert_eq!(cancelled.status, 412);
}
