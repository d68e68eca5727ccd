//! Sagas that an event of the business cancels.

use onecommit_engine::Verdict;
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_saga::{
    Answers, BeforePivot, Cancels, Command, Definition, DefinitionError, Saga, SagaCancelRequested, SagaRetryRequested,
    SagaRow, Status, Steps, What, step,
};
use serde::{Deserialize, Serialize};

use crate::order::{InventoryReleased, InventoryReserved, Order, OrderCreated, ReleaseInventory, ReserveInventory};
use crate::shop::{SAGAS, Shop};

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
    let turned = row.timeline().iter().find(|entry| entry.what == What::TurnedBack);
    assert_eq!(
        turned.unwrap().event_id,
        None,
        "what follows from it came with no event"
    );
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReserved { order_id }).await;
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReleased { order_id }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_before_the_start_waits_for_it() {
    let shop = Shop::running([withdrawable()]);
    let withdrawn = withdrawn(&shop);
    assert_eq!(shop.receive(&withdrawn).await, Verdict::Done);
    shop.begin("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    let row = shop.row("ord_1");
    let entry = row.timeline().iter().find(|entry| entry.what == What::CancelRequested);
    assert_eq!(entry.unwrap().detail.as_deref(), Some("the customer withdrew it"));
    assert_eq!(entry.unwrap().event_id, Some(withdrawn.id().to_string()));
    // What was asked for by then is waited for and undone, as when the cancellation had come after the start.
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory"]);
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReserved { order_id }).await;
    let order_id = "ord_1".to_owned();
    shop.answer("ord_1", InventoryReleased { order_id }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn an_operators_early_cancellation_waits_too() {
    let shop = Shop::running([withdrawable()]);
    let reason = "fraud".to_owned();
    assert_eq!(shop.ask("ord_1", SagaCancelRequested { reason }).await, Verdict::Done);
    // Another cancellation adds nothing; a retry has nothing to retry.
    assert_eq!(shop.receive(&withdrawn(&shop)).await, Verdict::Done);
    let reason = "now".to_owned();
    let retry = shop.ask("ord_1", SagaRetryRequested { step: None, reason }).await;
    assert!(matches!(retry, Verdict::Park { .. }), "{retry:?}");
    shop.begin("ord_1").await;
    let row = shop.row("ord_1");
    let entry = row.timeline().iter().find(|entry| entry.what == What::CancelRequested);
    assert_eq!(
        (entry.unwrap().by.as_deref(), entry.unwrap().detail.as_deref()),
        (Some("ada"), Some("fraud"))
    );
    assert!(shop.happened("ord_1").contains(&What::TurnedBack));
}

#[tokio::test(start_paused = true)]
async fn a_start_and_its_cancellation_in_one_batch_both_count() {
    let shop = Shop::running([withdrawable()]);
    let (withdrawn, created) = (withdrawn(&shop), shop.order_created("ord_1"));
    let verdicts = shop.kit.receive(&[&withdrawn, &created]).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(shop.status("ord_1"), Status::Compensating);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_only_waits_says_so() {
    let shop = Shop::running([withdrawable()]);
    shop.receive(&withdrawn(&shop)).await;
    let item = shop.database.row(SAGAS, &["OrderSaga#ord_1"]).unwrap();
    let error = SagaRow::from_item(&item).unwrap_err().to_string();
    assert!(error.contains("has not started"), "{error}");
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
