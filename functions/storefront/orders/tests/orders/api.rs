//! What the API says.

use onecommit_engine::{DatabaseError, TransientKind};
use serde_json::{Value, json};

use crate::context::{Context, ORDER, cancel, confirm, create, wanted};

#[tokio::test]
async fn an_order_is_taken_with_one_request_to_the_database() {
    let context = Context::new();
    let taken = context.place(wanted()).await;
    assert_eq!(
        (taken.status, taken.location.as_deref()),
        (202, Some("/orders/ord_1")),
        "{}",
        taken.body
    );
    assert_eq!(
        taken.body,
        json!({"orderId": ORDER, "total": {"minorUnits": 3_700, "currency": "EUR"}})
    );
    assert_eq!(context.database.requests(), 1);
    let events = context.events("OrderRequest").await;
    assert_eq!(events[0].event_type(), "OrderRequested");
    assert_eq!(events[0].metadata().user_id.as_deref(), Some("cus_7"));
    assert_eq!(events[0].metadata().correlation_id, events[0].id().to_string());
}

#[tokio::test]
async fn an_order_without_an_id_gets_one() {
    let context = Context::new();
    let mut order = wanted();
    order.as_object_mut().unwrap().remove("orderId");
    let (one, other) = (context.place(order.clone()).await, context.place(order).await);
    assert_eq!((one.status, other.status), (202, 202));
    assert_ne!(one.body["orderId"], other.body["orderId"]);
    let shown = context.get(one.location.as_deref().unwrap()).await;
    assert_eq!(shown.body["status"], "requested");
}

#[tokio::test]
async fn a_repeated_order_is_answered_alike_and_requested_once() {
    let context = Context::new();
    let first = context.place(wanted()).await;
    let again = context.place(wanted()).await;
    assert_eq!(
        (again.status, &again.body, &again.location),
        (200, &first.body, &first.location)
    );
    assert_eq!(context.events("OrderRequest").await.len(), 1);
}

#[tokio::test]
async fn the_same_id_with_other_content_is_refused_and_the_difference_named() {
    let context = Context::new();
    context.place(wanted()).await;
    let mut other = wanted();
    other["items"][1]["quantity"] = json!(5);
    other["paymentMethod"] = json!("invoice");
    let refused = context.place(other).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("orderIdTaken")));
    let message = refused.body["message"].as_str().unwrap();
    assert!(
        message.contains("items, paymentMethod") && !message.contains("customerId"),
        "{message}"
    );
    assert_eq!(context.events("OrderRequest").await.len(), 1);
}

#[tokio::test]
async fn all_problems_are_reported_at_once_and_nothing_written() {
    let context = Context::new();
    let order = json!({
        "orderId": "no spaces", "currency": "XYZ", "paymentMethod": "",
        "items": [
            {"sku": "A", "quantity": 0, "unitPriceMinor": -1},
            {"sku": "A", "quantity": 1.5, "unitPriceMinor": 1e30, "currency": "USD"},
            {"sku": "", "quantity": -3},
        ],
    });
    let refused = context.place(order).await;
    assert_eq!((refused.status, &refused.body["error"]), (422, &json!("invalidOrder")));
    let problems = refused.body["problems"].as_array().unwrap();
    let mut fields: Vec<&str> = problems
        .iter()
        .map(|problem| problem["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    let expected = [
        "currency",
        "customerId",
        "items[0].quantity",
        "items[0].unitPriceMinor",
        "items[1].currency",
        "items[1].quantity",
        "items[1].sku",
        "items[1].unitPriceMinor",
        "items[2].quantity",
        "items[2].sku",
        "items[2].unitPriceMinor",
        "orderId",
        "paymentMethod",
    ];
    assert_eq!(fields, expected);
    let message = refused.body["message"].as_str().unwrap();
    assert!(expected.iter().all(|field| message.contains(field)), "{message}");
    assert_eq!(context.database.requests(), 0);
}

#[tokio::test]
async fn an_order_outside_of_its_limits_is_refused() {
    let line = |number: usize| json!({"sku": format!("P-{number}"), "quantity": 1, "unitPriceMinor": 1});
    let max = i64::MAX;
    for (items, said) in [
        (json!([]), "at least one line"),
        (
            json!([{"sku": "A", "quantity": 1, "unitPriceMinor": 0}]),
            "the total of the lines is zero",
        ),
        (
            json!([{"sku": "A", "quantity": 2, "unitPriceMinor": max}]),
            "more than an amount can hold",
        ),
        (
            json!([{"sku": "A", "quantity": 1, "unitPriceMinor": max}, {"sku": "B", "quantity": 1, "unitPriceMinor": 1}]),
            "more than an amount can hold",
        ),
        (Value::from_iter((0..51).map(line)), "the limit is 50"),
    ] {
        let context = Context::new();
        let mut order = wanted();
        order["items"] = items;
        let refused = context.place(order).await;
        let message = refused.body["message"].as_str().unwrap();
        assert_eq!(refused.status, 422, "{message}");
        assert!(message.contains(said), "{message}");
        assert_eq!(context.database.requests(), 0);
    }
    let mut most = wanted();
    most["items"] = Value::from_iter((0..50).map(line));
    assert_eq!(Context::new().place(most).await.status, 202);
}

fn no_answer() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "no answer".into())
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_answer_from_the_database_is_lost_is_requested_once() {
    let context = Context::new();
    context.database.lose_next_answer(no_answer());
    assert_eq!(context.place(wanted()).await.status, 202);
    assert_eq!(context.place(wanted()).await.status, 200);
    assert_eq!(context.events("OrderRequest").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_is_503_and_the_same_request_may_be_sent_again() {
    let context = Context::new();
    // More often than anybody tries.
    for _ in 0..100 {
        context.database.fail_next(no_answer());
    }
    let refused = context.place(wanted()).await;
    assert_eq!((refused.status, &refused.body["error"]), (503, &json!("unavailable")));
    while context.get("/orders/ord_1").await.status == 503 {}
    assert_eq!(context.place(wanted()).await.status, 202);
}

#[tokio::test]
async fn an_order_is_shown_in_every_status() {
    let context = Context::new();
    assert_eq!(context.get("/orders/ord_1").await.body["error"], "unknownOrder");
    let status = async || context.get("/orders/ord_1").await.body["status"].clone();
    context.place(wanted()).await;
    assert_eq!(status().await, "requested");
    context.command(create()).await;
    assert_eq!(status().await, "created");
    context.command(confirm()).await;
    assert_eq!(status().await, "confirmed");
    let shipment = json!({"carrier": "DHL", "trackingId": "JD-1"});
    let shipped = context.ask("POST", "/orders/ord_1/shipment", shipment.clone()).await;
    assert_eq!((shipped.status, &shipped.body["status"]), (200, &json!("shipped")));
    assert_eq!(shipped.body["shipment"], shipment);
    let delivered = context.ask("POST", "/orders/ord_1/delivery", Value::Null).await;
    assert_eq!(
        (delivered.status, &delivered.body["status"]),
        (200, &json!("delivered"))
    );
    let mut body = context.get("/orders/ord_1").await.body;
    let created_at = body.as_object_mut().unwrap().remove("createdAt").unwrap();
    let placed = &context.events("Order").await[0];
    assert_eq!(created_at, json!(placed.timestamp().to_string()));
    assert_eq!(
        body,
        json!({
            "orderId": ORDER, "status": "delivered", "customerId": "cus_7", "items": wanted()["items"],
            "total": {"minorUnits": 3_700, "currency": "EUR"}, "shipment": shipment, "version": 4,
        })
    );
}

#[tokio::test]
async fn an_order_that_was_refused_or_given_up_before_it_was_placed_says_so() {
    let context = Context::new();
    context.place(wanted()).await;
    let mut wrong = create();
    wrong.items.clear();
    context.command(wrong).await;
    let shown = context.get("/orders/ord_1").await.body;
    assert_eq!(shown["status"], "refused");
    assert!(shown["reason"].as_str().unwrap().contains("at least one line"));
    let context = Context::new();
    context.place(wanted()).await;
    context.command(cancel("nobody answered")).await;
    assert_eq!(context.get("/orders/ord_1").await.body["status"], "cancelled");
}

#[tokio::test]
async fn the_history_begins_with_the_request() {
    let context = Context::new();
    assert_eq!(context.get("/orders/ord_1/events").await.status, 404);
    context.place(wanted()).await;
    context.command(create()).await;
    let history = context.get("/orders/ord_1/events").await.body;
    let events = history["events"].as_array().unwrap();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["OrderRequested", "OrderCreated"]);
    assert_eq!(events[1]["metadata"]["sequence"], 1);
}

#[tokio::test]
async fn fulfilment_steps_are_ordered_and_repeatable() {
    let context = Context::new();
    let shipment = || json!({"carrier": "DHL", "trackingId": "JD-1"});
    let ship = |shipment: Value| context.ask("POST", "/orders/ord_1/shipment", shipment);
    assert_eq!(ship(shipment()).await.status, 404);
    context.place(wanted()).await;
    context.command(create()).await;
    let early = ship(shipment()).await;
    assert_eq!((early.status, &early.body["error"]), (409, &json!("wrongState")));
    context.command(confirm()).await;
    let nobody = ship(json!({"carrier": "", "trackingId": "JD-1"})).await;
    assert_eq!((nobody.status, &nobody.body["error"]), (422, &json!("invalidShipment")));
    assert_eq!(ship(shipment()).await.status, 200);
    assert_eq!(ship(shipment()).await.status, 200);
    assert_eq!(ship(json!({"carrier": "UPS", "trackingId": "1Z"})).await.status, 409);
    assert_eq!(
        context.event_types("Order").await,
        ["OrderCreated", "OrderConfirmed", "OrderShipped"]
    );
}

#[tokio::test]
async fn a_cancellation_is_asked_of_the_saga_until_the_order_is_confirmed() {
    let context = Context::new();
    let cancel_it = || {
        context.ask(
            "POST",
            "/orders/ord_1/cancellation",
            json!({"reason": "changed my mind"}),
        )
    };
    assert_eq!(cancel_it().await.status, 404);
    context.place(wanted()).await;
    assert_eq!(cancel_it().await.status, 202);
    context.command(create()).await;
    assert_eq!(cancel_it().await.status, 202);
    let events = context.events("OrderRequest").await;
    assert_eq!(
        context.event_types("OrderRequest").await,
        ["OrderRequested", "OrderCancellationRequested"],
        "asked twice, said once"
    );
    assert_eq!(events[1].metadata().correlation_id, events[0].metadata().correlation_id);
    context.command(confirm()).await;
    let late = cancel_it().await;
    assert_eq!((late.status, &late.body["error"]), (409, &json!("orderConfirmed")));
}

#[tokio::test]
async fn a_cancellation_needs_a_reason_of_bounded_length() {
    let context = Context::new();
    context.place(wanted()).await;
    for reason in [String::new(), "x".repeat(257)] {
        let body = json!({ "reason": reason });
        let refused = context.ask("POST", "/orders/ord_1/cancellation", body).await;
        assert_eq!((refused.status, &refused.body["error"]), (422, &json!("invalidReason")));
    }
    assert_eq!(context.event_types("OrderRequest").await, ["OrderRequested"]);
}

#[tokio::test]
async fn cancelling_a_cancelled_order_is_answered_with_the_order() {
    let context = Context::new();
    context.place(wanted()).await;
    context.command(create()).await;
    context.command(cancel("out of stock")).await;
    let again = context
        .ask("POST", "/orders/ord_1/cancellation", json!({"reason": "too slow"}))
        .await;
    assert_eq!((again.status, &again.body["status"]), (200, &json!("cancelled")));
    assert_eq!(again.body["reason"], "out of stock");
}

#[tokio::test]
async fn a_field_that_is_written_wrongly_is_refused_by_name() {
    let context = Context::new();
    let mut order = wanted();
    order["items"][0]["quantitty"] = json!(1);
    let refused = context.place(order).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let message = refused.body["message"].as_str().unwrap();
    assert!(message.starts_with("items[0].quantitty"), "{message}");
}
