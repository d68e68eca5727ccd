//! Commands and what comes of them, however often and in which order they come.

use onecommit_engine::{ParkReason, Verdict};
use onecommit_event::Event;
use serde_json::json;
use storefront_catalog::ReservationState;

use crate::kit::{Kit, order_confirmed, release, reserve, reserve_at};

#[tokio::test(start_paused = true)]
async fn a_reservation_holds_its_stock_and_answers_the_command() {
    let kit = Kit::with_products(&[("pot", 10), ("cup", 4)]).await;
    let command = reserve("ord-1", &[("pot", 3), ("cup", 4)]);
    assert_eq!(kit.receive(&command).await, Verdict::Done);
    assert_eq!((kit.shares("pot"), kit.shares("cup")), ((7, 3, 0), (0, 4, 0)));
    let said = kit.said("ord-1").await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].event_type(), "InventoryReserved");
    assert_eq!(said[0].metadata().causation_id, command.id().to_string());
    let expires_at = kit.now().plus(crate::kit::HOLD_FOR).to_string();
    assert_eq!(
        kit.last_said("ord-1").await,
        json!({"orderId": "ord-1", "expiresAt": expires_at})
    );
}

#[tokio::test(start_paused = true)]
async fn a_reservation_of_what_is_there_costs_one_request() {
    let kit = Kit::with_products(&[("pot", 10), ("cup", 4)]).await;
    let before = kit.database.requests();
    kit.receive(&reserve("ord-1", &[("pot", 3), ("cup", 4)])).await;
    assert_eq!(kit.database.requests() - before, 1);
    assert_eq!(kit.shares("pot"), (7, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reserves_nothing_and_names_the_missing_product() {
    let kit = Kit::with_products(&[("pot", 10), ("cup", 3)]).await;
    assert_eq!(
        kit.receive(&reserve("ord-1", &[("pot", 3), ("cup", 4)])).await,
        Verdict::Done
    );
    assert_eq!((kit.shares("pot"), kit.shares("cup")), ((10, 0, 0), (3, 0, 0)));
    assert_eq!(kit.said_types("ord-1").await, ["InventoryRefused"]);
    let said = kit.last_said("ord-1").await;
    assert_eq!(said, json!({"orderId": "ord-1", "reason": "outOfStock", "sku": "cup"}));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_order_is_refused_and_moves_no_stock() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    for (order_id, command, reason, sku) in [
        ("ord-1", reserve("ord-1", &[("pan", 1)]), "unknownProduct", json!("pan")),
        (
            "ord-2",
            reserve("ord-2", &[("a pan", 1)]),
            "unknownProduct",
            json!("a pan"),
        ),
        (
            "ord-3",
            reserve_at("ord-3", &[("pot", 1)], 1_249),
            "priceChanged",
            json!("pot"),
        ),
        ("ord-4", reserve("ord-4", &[("pot", 0)]), "invalidItems", json!("pot")),
        (
            "ord-5",
            reserve("ord-5", &[("pot", u32::MAX)]),
            "invalidItems",
            json!("pot"),
        ),
        ("ord-6", reserve("ord-6", &[]), "invalidItems", json!(null)),
        ("ord-7", reserve("ord-7", &[("pot", 11)]), "outOfStock", json!("pot")),
    ] {
        assert_eq!(kit.receive(&command).await, Verdict::Done, "{order_id}");
        let said = kit.last_said(order_id).await;
        assert_eq!((&said["reason"], &said["sku"]), (&json!(reason), &sku), "{order_id}");
        assert_eq!(kit.state(order_id).await, Some(ReservationState::Refused));
    }
    assert_eq!(kit.shares("pot"), (10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_product_in_two_items_is_reserved_as_their_sum() {
    let kit = Kit::with_products(&[("pot", 5)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 2), ("pot", 3)])).await;
    assert_eq!(kit.shares("pot"), (0, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_command_changes_and_publishes_nothing() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    let command = reserve("ord-1", &[("pot", 3)]);
    kit.receive(&command).await;
    assert_eq!(kit.receive(&command).await, Verdict::Duplicate);
    assert_eq!((kit.shares("pot"), kit.said("ord-1").await.len()), ((7, 3, 0), 1));
}

/// The same order under another event id: a saga that waited in vain for an answer asks again.
#[tokio::test(start_paused = true)]
async fn a_repeated_command_is_answered_and_moves_no_stock() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    let again = reserve("ord-1", &[("pot", 3)]);
    assert_eq!(kit.receive(&again).await, Verdict::Done);
    assert_eq!(kit.shares("pot"), (7, 3, 0));
    assert_eq!(
        kit.said_types("ord-1").await,
        ["InventoryReserved", "InventoryUnchanged"]
    );
    assert_eq!(kit.last_said("ord-1").await, json!({"orderId": "ord-1"}));
    let causes: Vec<String> = kit.said("ord-1").await.iter().map(cause_of).collect();
    assert_eq!(causes[1], again.id().to_string());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stands_after_new_stock_arrives() {
    let kit = Kit::with_products(&[("pot", 0)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    kit.add_stock("pot", "second", 10).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    assert_eq!(kit.said_types("ord-1").await, ["InventoryRefused", "InventoryRefused"]);
    assert_eq!(kit.last_said("ord-1").await["reason"], "outOfStock");
    assert_eq!(kit.shares("pot"), (10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn changed_items_park_the_order_and_keep_its_reservation() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    let verdict = kit.receive(&reserve("ord-1", &[("pot", 4)])).await;
    assert!(
        matches!(
            verdict,
            Verdict::Park {
                reason: ParkReason::Rejected,
                ..
            }
        ),
        "{verdict:?}"
    );
    assert!(kit.parked_because().contains("ord-1"), "{}", kit.parked_because());
    assert_eq!(kit.shares("pot"), (7, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn repeated_releases_return_the_stock_once() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    for _ in 0..3 {
        assert_eq!(kit.receive(&release("ord-1")).await, Verdict::Done);
        assert_eq!(kit.shares("pot"), (10, 0, 0));
    }
    let released = [
        "InventoryReserved",
        "InventoryReleased",
        "InventoryUnchanged",
        "InventoryUnchanged",
    ];
    assert_eq!(kit.said_types("ord-1").await, released);
    assert_eq!(kit.last_said("ord-1").await, json!({"orderId": "ord-1"}));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_overtakes_its_reservation_prevents_it() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    assert_eq!(kit.receive(&release("ord-1")).await, Verdict::Done);
    assert_eq!(kit.receive(&reserve("ord-1", &[("pot", 3)])).await, Verdict::Done);
    assert_eq!(
        kit.said_types("ord-1").await,
        ["InventoryUnchanged", "InventoryRefused"]
    );
    assert_eq!(kit.last_said("ord-1").await["reason"], "released");
    assert_eq!(kit.shares("pot"), (10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_moves_the_stock_and_is_published_once() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    for _ in 0..2 {
        assert_eq!(kit.receive(&order_confirmed("ord-1")).await, Verdict::Done);
        assert_eq!(kit.shares("pot"), (7, 0, 3));
    }
    assert_eq!(
        kit.said_types("ord-1").await,
        ["InventoryReserved", "InventoryConfirmed"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_stock_of_a_confirmed_order_is_never_released() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    kit.receive(&order_confirmed("ord-1")).await;
    let verdict = kit.receive(&release("ord-1")).await;
    assert!(
        matches!(
            verdict,
            Verdict::Park {
                reason: ParkReason::Rejected,
                ..
            }
        ),
        "{verdict:?}"
    );
    assert_eq!(kit.shares("pot"), (7, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn an_order_confirmed_without_a_reservation_is_parked() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    let verdict = kit.receive(&order_confirmed("ord-1")).await;
    assert!(
        matches!(
            verdict,
            Verdict::Park {
                reason: ParkReason::Rejected,
                ..
            }
        ),
        "{verdict:?}"
    );
    assert!(kit.parked_because().contains("without a reservation"));
}

#[tokio::test(start_paused = true)]
async fn of_sixty_orders_for_fifty_products_fifty_are_held_and_ten_refused() {
    let kit = Kit::with_products(&[("pot", 50)]).await;
    let commands: Vec<Event> = (0..60)
        .map(|number| reserve(&format!("ord-{number}"), &[("pot", 1)]))
        .collect();
    let verdicts = kit.consumer.receive(&commands.iter().collect::<Vec<_>>()).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done), "{verdicts:?}");
    assert_eq!(kit.shares("pot"), (0, 50, 0));
    let mut refused = 0;
    for number in 0..60 {
        let types = kit.said_types(&format!("ord-{number}")).await;
        assert_eq!(types.len(), 1, "ord-{number}");
        refused += usize::from(types[0] == "InventoryRefused");
    }
    assert_eq!(refused, 10);
}

#[tokio::test(start_paused = true)]
async fn a_command_without_a_valid_order_is_parked() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    let command = reserve("ord-1", &[("pot", 1)])
        .to_json()
        .replace(r#""orderId":"ord-1""#, r#""orderId":"""#);
    let verdict = kit.receive(&Event::from_json(&command).unwrap()).await;
    assert!(matches!(verdict, Verdict::Park { .. }), "{verdict:?}");
    assert_eq!(kit.shares("pot"), (10, 0, 0));
}

fn cause_of(event: &Event) -> String {
    event.metadata().causation_id.clone()
}

#[tokio::test(start_paused = true)]
async fn a_release_with_an_oversized_order_id_is_parked() {
    let kit = Kit::new();
    let long = format!(r#""orderId":"{}""#, "x".repeat(2_100));
    let command = release("ord-1").to_json().replace(r#""orderId":"ord-1""#, &long);
    let verdict = kit.receive(&Event::from_json(&command).unwrap()).await;
    assert!(matches!(verdict, Verdict::Park { .. }), "{verdict:?}");
}
