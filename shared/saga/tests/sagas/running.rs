use onecommit_engine::Verdict;
use onecommit_event::{Event, Metadata};
use onecommit_saga::{Command, Definition, Saga, Status, What, step};

use crate::order::{
    InventoryReleased, InventoryReserved, Order, OrderCreated, OutOfStock, PaymentDeclined, PaymentTaken,
    ReleaseInventory, ReserveInventory, TakePayment,
};
use crate::shop::{Shop, saga};

fn order_1() -> String {
    "ord_1".to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_order_that_everybody_agrees_to_is_completed_step_by_step() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory"]);
    shop.all_agree("ord_1").await;
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "TakePayment", "ConfirmOrder", "NotifyCustomer"]
    );
    let row = shop.row("ord_1");
    assert_eq!((row.status(), row.deadline()), (Status::Completed, None));
    assert_eq!(row.data::<Order>().unwrap().payment_id.as_deref(), Some("pay_1"));
}

#[tokio::test(start_paused = true)]
async fn a_command_belongs_to_the_sagas_stream_and_follows_from_what_caused_it() {
    let shop = Shop::open();
    let created = shop.order_created("ord_1");
    shop.receive(&created).await;
    let command = shop.commands("ord_1").await.remove(0);
    assert_eq!(*command.aggregate(), saga("ord_1"));
    assert_eq!(command.metadata().sequence, Some(1));
    assert_eq!(command.metadata().causation_id, created.id().to_string());
    assert_eq!(command.metadata().correlation_id, created.metadata().correlation_id);
    shop.all_agree("ord_1").await;
    let payment = shop.commands("ord_1").await.remove(1).decode::<TakePayment>().unwrap();
    assert_eq!(payment.payload().amount.minor_units(), 2_500);
    assert_eq!(shop.row("ord_1").correlation_id(), created.metadata().correlation_id);
}

#[tokio::test(start_paused = true)]
async fn a_refused_pivot_compensates_what_succeeded_before_and_is_not_undone_itself() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.answer("ord_1", PaymentDeclined { order_id: order_1() }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    shop.all_agree("ord_1").await;
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "TakePayment", "ReleaseInventory"]
    );
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_saga_whose_first_step_is_refused_has_nothing_to_compensate() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", OutOfStock { order_id: order_1() }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_event_that_would_start_the_same_saga_changes_nothing() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let before = shop.row("ord_1");
    shop.begin("ord_1").await;
    let elsewhere = shop.another([crate::order::order_saga().unwrap()]);
    elsewhere.begin("ord_1").await;
    assert_eq!(shop.row("ord_1"), before);
}

#[tokio::test(start_paused = true)]
async fn an_answer_given_twice_counts_once() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let command = shop.commands("ord_1").await.remove(0);
    let reserved = || shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    assert_eq!(shop.receive(&reserved()).await, Verdict::Done);
    let before = shop.row("ord_1");
    assert_eq!(shop.receive(&reserved()).await, Verdict::Done);
    assert_eq!(shop.row("ord_1"), before);
    let two_at_once = [reserved(), reserved()];
    shop.kit.receive(&[&two_at_once[0], &two_at_once[1]]).await;
    assert_eq!(shop.row("ord_1"), before);
}

#[tokio::test(start_paused = true)]
async fn two_copies_of_an_answer_in_one_batch_under_two_ids_make_one_transition() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let command = shop.commands("ord_1").await.remove(0);
    let reserved = || shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    let batch = [reserved(), reserved()];
    let verdicts = shop.kit.receive(&[&batch[0], &batch[1]]).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory", "TakePayment"]);
}

#[tokio::test(start_paused = true)]
async fn what_no_command_of_the_saga_caused_is_not_its_answer() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let before = shop.row("ord_1");
    let command = shop.commands("ord_1").await.remove(0);
    let reserved = shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    let of_other_origin = [
        Metadata::caused_by("c", "b7a0d9cc-3f2a-4d24-9df0-2f0c3c1b7f4a"),
        Metadata::caused_by("c", "no uuid"),
    ];
    for metadata in of_other_origin {
        let stray = reserved.clone().with_metadata(metadata);
        let stray = stray.with_id(onecommit_event::EventId::new(&shop.environment));
        assert_eq!(shop.receive(&stray).await, Verdict::Done);
    }
    let of_no_saga = shop.caused_by(
        &command,
        InventoryReserved {
            order_id: "ord_9".into(),
        },
    );
    assert_eq!(shop.receive(&of_no_saga).await, Verdict::Done);
    assert_eq!(shop.row("ord_1"), before);
}

#[tokio::test(start_paused = true)]
async fn a_step_takes_one_request_and_a_saga_that_is_not_remembered_two() {
    for (shop, of_step) in [(Shop::open(), 1), (Shop::forgetful(), 2)] {
        let created = shop.order_created("ord_1");
        assert_eq!(
            requests(&shop, &created).await,
            1,
            "nothing is read before a saga starts"
        );
        for place in 0..3 {
            let command = shop.commands("ord_1").await.remove(place);
            let yes = shop.yes_to(&command, "ord_1").unwrap();
            assert_eq!(requests(&shop, &yes).await, of_step, "{}", yes.event_type());
        }
        assert_eq!(shop.status("ord_1"), Status::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_memory_of_a_saga_is_old_reads_it_and_does_not_try_in_vain() {
    let one = Shop::open();
    one.begin("ord_1").await;
    let other = one.another([crate::order::order_saga().unwrap()]);
    other.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    let command = one.commands("ord_1").await.pop().unwrap();
    let paid = one.yes_to(&command, "ord_1").unwrap();
    assert_eq!(requests(&one, &paid).await, 2);
    assert_eq!(one.kit.engine().metrics().take().reruns, 0);
    assert_eq!(one.command_types("ord_1").await.len(), 3);
}

async fn requests(shop: &Shop, event: &Event) -> u64 {
    let before = shop.database.requests();
    assert_eq!(shop.receive(event).await, Verdict::Done);
    shop.database.requests() - before
}

#[tokio::test(start_paused = true)]
async fn the_timeline_tells_what_left_what_came_and_what_would_undo_it() {
    let shop = Shop::open();
    let created = shop.order_created("ord_1");
    shop.receive(&created).await;
    let command = shop.commands("ord_1").await.remove(0);
    let reserved = shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    shop.receive(&reserved).await;
    let row = shop.row("ord_1");
    let [started, asked, succeeded, next] = row.timeline() else {
        panic!("{:#?}", row.timeline());
    };
    assert_eq!(
        (started.what, started.at.as_str()),
        (What::Started, "2026-11-22T07:00:00.000Z")
    );
    assert_eq!(started.event_id, Some(created.id().to_string()));
    assert_eq!((asked.what, asked.attempt), (What::Asked, Some(1)));
    assert_eq!(asked.event_id, Some(command.id().to_string()));
    assert_eq!(
        asked.detail.as_deref(),
        Some("ReserveInventory, undone by ReleaseInventory")
    );
    assert_eq!(succeeded.what, What::Succeeded);
    assert_eq!(succeeded.event_id, Some(reserved.id().to_string()));
    assert_eq!(succeeded.detail.as_deref(), Some("InventoryReserved"));
    assert_eq!((next.what, next.step.as_deref()), (What::Asked, Some("take payment")));
}

/// Inventory and payment side by side, each undone by the same command; nothing decides.
fn side_by_side() -> Definition {
    let reserve = || {
        Command::of(|order: &Order| ReserveInventory {
            order_id: order.order_id.clone(),
        })
    };
    let take = || {
        Command::of(|order: &Order| TakePayment {
            order_id: order.order_id.clone(),
            amount: order.total,
        })
    };
    let undo = |name: &'static str| {
        let release = |order: &Order| ReleaseInventory {
            order_id: order.order_id.clone(),
        };
        (name, Command::of(release).answered_by::<InventoryReleased>())
    };
    let (first, undo_first) = undo("reserve inventory");
    let (second, undo_second) = undo("take a deposit");
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .compensatable_together([
            step(
                first,
                reserve().answered_by::<InventoryReserved>().refused_by::<OutOfStock>(),
            )
            .compensated_by(undo_first),
            step(
                second,
                take().answered_by::<PaymentTaken>().refused_by::<PaymentDeclined>(),
            )
            .compensated_by(undo_second),
        ])
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn steps_side_by_side_may_be_answered_in_one_batch_and_the_saga_learns_from_both() {
    let shop = Shop::running([side_by_side()]);
    shop.begin("ord_1").await;
    let commands = shop.commands("ord_1").await;
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory", "TakePayment"]);
    let answers: Vec<Event> = commands
        .iter()
        .filter_map(|command| shop.yes_to(command, "ord_1"))
        .collect();
    let verdicts = shop.kit.receive(&[&answers[0], &answers[1]]).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(shop.status("ord_1"), Status::Completed);
    let order: Order = shop.row("ord_1").data().unwrap();
    assert_eq!(order.payment_id.as_deref(), Some("pay_1"));
}

#[tokio::test(start_paused = true)]
async fn when_one_of_two_steps_is_refused_the_other_is_waited_for_and_undone() {
    let shop = Shop::running([side_by_side()]);
    shop.begin("ord_1").await;
    let [reserve, take] = shop.commands("ord_1").await.try_into().unwrap();
    shop.receive(&shop.caused_by(&reserve, OutOfStock { order_id: order_1() }))
        .await;
    assert_eq!(shop.commands("ord_1").await.len(), 2, "nobody knows yet of the other");
    shop.receive(&shop.yes_to(&take, "ord_1").unwrap()).await;
    assert_eq!(shop.command_types("ord_1").await[2..], ["ReleaseInventory"]);
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}
