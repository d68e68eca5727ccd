//! Sagas that an event of the business cancels.

use onecommit_commit::Verdict;
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_saga::{
    Answers, BeforePivot, Cancels, Command, Definition, DefinitionError, Saga, Status, Steps, What, step,
};
use serde::{Deserialize, Serialize};

use crate::order::{InventoryReleased, InventoryReserved, Order, OrderCreated, ReleaseInventory, ReserveInventory};
use crate::shop::Shop;

#[derive(Serialize, Deserialize)]
struct OrderWithdrawn {
    order_id: String,
}

impl Payload for OrderWithdrawn {
    const EVENT_TYPE: &'static str = "OrderWithdrawn";
}

impl Cancels<Order> for OrderWithdrawn {
    fn saga_id(event: &Event<Self>) -> String {
        event.payload().order_id.clone()
    }

    fn reason(_: &Event<Self>) -> String {
        "the customer withdrew it".to_owned()
    }
}

impl Answers<Order> for OrderWithdrawn {
    fn saga_id(event: &Event<Self>) -> String {
        event.payload().order_id.clone()
    }
}

fn steps() -> Steps<Order, BeforePivot> {
    let reserve = Command::of(|order: &Order| ReserveInventory {
        order_id: order.order_id.clone(),
    });
    let release = Command::of(|order: &Order| ReleaseInventory {
        order_id: order.order_id.clone(),
    });
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .cancelled_by::<OrderWithdrawn>()
        .compensatable(
            step("reserve inventory", reserve.answered_by::<InventoryReserved>())
                .compensated_by(release.answered_by::<InventoryReleased>()),
        )
}

fn withdrawable() -> Definition {
    steps().build().unwrap()
}

fn withdrawn(shop: &Shop) -> Event {
    let order = Aggregate::new("Order", "ord_1").unwrap();
    let order_id = "ord_1".to_owned();
    let event = Event::new(order, OrderWithdrawn { order_id }, &shop.environment);
    event.into_raw().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_event_of_the_business_turns_the_saga_back_and_the_journal_says_why() {
    let shop = Shop::running([withdrawable()]);
    shop.begin("ord_1").await;
    let withdrawn = withdrawn(&shop);
    assert_eq!(shop.receive(&withdrawn).await, Verdict::Done);
    let row = shop.row("ord_1");
    let entry = row.timeline().iter().find(|entry| entry.what == What::CancelRequested);
    assert_eq!(entry.unwrap().detail.as_deref(), Some("the customer withdrew it"));
    assert_eq!(entry.unwrap().event_id, Some(withdrawn.id().to_string()));
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReserved { order_id }).await;
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReleased { order_id }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_overtakes_the_start_comes_back() {
    let shop = Shop::running([withdrawable()]);
    let withdrawn = withdrawn(&shop);
    let verdict = shop.receive(&withdrawn).await;
    assert!(
        matches!(&verdict, Verdict::Retry { error, .. } if error.contains("has not started")),
        "{verdict:?}"
    );
    shop.begin("ord_1").await;
    assert_eq!(shop.receive(&withdrawn).await, Verdict::Done);
    assert!(shop.happened("ord_1").contains(&What::TurnedBack));
}

#[test]
fn the_orchestrator_wants_the_event_that_cancels() {
    assert!(withdrawable().event_types().contains("OrderWithdrawn"));
}

#[test]
fn one_event_type_cannot_both_cancel_and_answer() {
    let ship = Command::of(|order: &Order| ReserveInventory {
        order_id: order.order_id.clone(),
    });
    let undo = Command::of(|order: &Order| ReleaseInventory {
        order_id: order.order_id.clone(),
    });
    let confused = step("ship", ship.answered_by::<OrderWithdrawn>()).compensated_by(undo.unanswered());
    assert_eq!(
        steps().compensatable(confused).build().unwrap_err(),
        DefinitionError::CancelsToo {
            saga: "OrderSaga".to_owned(),
            event_type: "OrderWithdrawn",
        }
    );
}
