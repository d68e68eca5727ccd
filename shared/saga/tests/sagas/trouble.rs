use onecommit_engine::{DatabaseError, Delivery, TransientKind, Verdict};
use onecommit_event::Event;
use onecommit_saga::{Command, Saga, SagaCancelRequested, SagaRow, Status, step};
use onecommit_testing::delivery_of;

use crate::order::{InventoryReserved, NotifyCustomer, Order, OrderCreated, PaymentDeclined, PaymentTaken, order_saga};
use crate::shop::{SAGAS, Shop, saga};

fn order_1() -> String {
    "ord_1".to_owned()
}

fn out_of_reach() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "no answer".into())
}

/// The message again, as often as it takes.
async fn until_done(shop: &Shop, event: &Event) {
    for delivery in 1..40 {
        let delivery = Delivery {
            receive_count: delivery,
            ..delivery_of("m-1", event.to_json())
        };
        let verdict = shop.kit.receive_deliveries(&[delivery]).await.0.remove(0);
        if matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            return;
        }
        let Verdict::Retry { after, .. } = verdict else {
            panic!("{verdict:?}")
        };
        tokio::time::sleep(after).await;
    }
    panic!("it never landed");
}

/// A saga from its start to its end, with trouble at each transition, whose process may change at each.
async fn with_trouble(trouble: impl Fn(&Shop), refused: bool, new_process_each_time: bool) -> (Shop, Vec<String>) {
    let mut shop = Shop::open();
    trouble(&shop);
    until_done(&shop, &shop.order_created("ord_1")).await;
    let mut answered = 0;
    while let Some(command) = shop.commands("ord_1").await.get(answered) {
        answered += 1;
        let answer = if refused && command.event_type() == "TakePayment" {
            Some(shop.caused_by(command, PaymentDeclined { order_id: order_1() }))
        } else {
            shop.yes_to(command, "ord_1")
        };
        if new_process_each_time {
            shop = shop.another([order_saga().unwrap()]);
        }
        if let Some(answer) = answer {
            trouble(&shop);
            until_done(&shop, &answer).await;
            // And once more, as if nobody had noticed that it was done.
            let again = shop.another([order_saga().unwrap()]);
            assert_eq!(again.receive(&answer).await, Verdict::Duplicate);
        }
    }
    let types = shop.command_types("ord_1").await;
    (shop, types)
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_any_transition_neither_loses_nor_repeats_a_step() {
    let nothing: fn(&Shop) = |_| {};
    let fails: fn(&Shop) = |shop| (0..20).for_each(|_| shop.database.fail_next(out_of_reach()));
    let answer_lost: fn(&Shop) = |shop| shop.database.lose_next_answer(out_of_reach());
    for trouble in [nothing, fails, answer_lost] {
        for new_process_each_time in [false, true] {
            let (shop, commands) = with_trouble(trouble, false, new_process_each_time).await;
            assert_eq!(shop.status("ord_1"), Status::Completed);
            assert_eq!(
                commands,
                ["ReserveInventory", "TakePayment", "ConfirmOrder", "NotifyCustomer"]
            );
            let (shop, commands) = with_trouble(trouble, true, new_process_each_time).await;
            assert_eq!(shop.status("ord_1"), Status::Compensated);
            assert_eq!(commands, ["ReserveInventory", "TakePayment", "ReleaseInventory"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_does_not_build_upon_a_transition_that_never_landed() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let command = shop.commands("ord_1").await.remove(0);
    // This process works out what follows from the answer; it never lands, and another process is quicker.
    (0..50).for_each(|_| shop.database.fail_next(out_of_reach()));
    let reserved = shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    assert!(matches!(shop.receive(&reserved).await, Verdict::Retry { .. }));
    drain_faults(&shop).await;
    let other = shop.another([order_saga().unwrap()]);
    let reason = "the customer called".to_owned();
    assert_eq!(other.ask("ord_1", SagaCancelRequested { reason }).await, Verdict::Done);
    until_done(&shop, &reserved).await;
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "ReleaseInventory"]
    );
}

/// Uses up what is left of the faults.
async fn drain_faults(shop: &Shop) {
    use onecommit_engine::{Table, TableReader};
    while shop
        .database
        .get(&Table::new(SAGAS), &SagaRow::key(&saga("none")))
        .await
        .is_err()
    {}
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_one_answer_each_make_one_transition_after_the_other() {
    let one = Shop::open();
    one.begin("ord_1").await;
    let other = one.another([order_saga().unwrap()]);
    let command = one.commands("ord_1").await.remove(0);
    let reserved = one.caused_by(&command, InventoryReserved { order_id: order_1() });
    let reason = "the customer called".to_owned();
    let (reserved, cancelled) = tokio::join!(
        one.receive(&reserved),
        other.ask("ord_1", SagaCancelRequested { reason })
    );
    assert_eq!((reserved, cancelled), (Verdict::Done, Verdict::Done));
    let row = one.row("ord_1");
    assert_eq!(row.version(), 3, "both are in the row: {:#?}", row.timeline());
}

#[tokio::test(start_paused = true)]
async fn a_saga_finishes_under_the_version_it_began_with_and_new_ones_start_under_the_newest() {
    let old = Shop::open();
    old.begin("ord_1").await;
    let new = old.another([order_saga().unwrap(), notify_only(2)]);
    new.begin("ord_2").await;
    assert_eq!(new.row("ord_2").definition_version(), 2);
    assert_eq!(new.command_types("ord_2").await, ["NotifyCustomer"]);
    new.all_agree("ord_1").await;
    let row = new.row("ord_1");
    assert_eq!((row.definition_version(), row.status()), (1, Status::Completed));
}

fn notify_only(version: u32) -> onecommit_saga::Definition {
    let notify = |order: &Order| NotifyCustomer {
        order_id: order.order_id.clone(),
        customer_id: order.customer_id.clone(),
    };
    Saga::named("OrderSaga", version)
        .started_by::<Order, OrderCreated>()
        .compensatable(
            step("notify", Command::of(notify).unanswered()).compensated_by(Command::of(notify).unanswered()),
        )
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_saga_of_a_version_that_is_not_here_waits_and_nothing_is_lost() {
    let new = Shop::open();
    new.begin("ord_1").await;
    let before = new.row("ord_1");
    let command = new.commands("ord_1").await.remove(0);
    let old = new.another([with_answers(7)]);
    let reserved = new.caused_by(&command, InventoryReserved { order_id: order_1() });
    let Verdict::Retry { error, .. } = old.receive(&reserved).await else {
        panic!("it should come back");
    };
    assert!(error.contains("version 1"), "{error}");
    assert_eq!(new.row("ord_1"), before);
    assert_eq!(new.receive(&reserved).await, Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn a_deployed_version_whose_steps_changed_is_noticed_before_it_does_harm() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let command = shop.commands("ord_1").await.remove(0);
    let changed = shop.another([with_answers(1)]);
    let reserved = shop.caused_by(&command, InventoryReserved { order_id: order_1() });
    let Verdict::Retry { error, .. } = changed.receive(&reserved).await else {
        panic!("it should come back");
    };
    assert!(error.contains("other steps"), "{error}");
}

/// Another saga under the same name that knows the same answer.
fn with_answers(version: u32) -> onecommit_saga::Definition {
    let notify = |order: &Order| NotifyCustomer {
        order_id: order.order_id.clone(),
        customer_id: order.customer_id.clone(),
    };
    let ask = || Command::of(notify).answered_by::<InventoryReserved>();
    Saga::named("OrderSaga", version)
        .started_by::<Order, OrderCreated>()
        .compensatable(step("ask", ask()).compensated_by(ask()))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_not_valid_is_named_and_left_alone() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let mut item = shop.database.row(SAGAS, &["OrderSaga#ord_1"]).unwrap();
    item.remove("progress");
    let error = SagaRow::from_item(&item).unwrap_err().to_string();
    assert!(
        error.contains("OrderSaga#ord_1") && error.contains("progress"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_stays_bounded_and_says_what_it_left_out() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    let paid = PaymentTaken {
        order_id: order_1(),
        payment_id: "pay_1".to_owned(),
    };
    shop.answer("ord_1", paid).await;
    for _ in 0..150 {
        shop.after(3600).await;
    }
    let row = shop.row("ord_1");
    assert_eq!(row.timeline().len(), 200);
    assert!(row.left_out_of_timeline() > 0);
    assert_eq!(row.timeline()[0].what, onecommit_saga::What::Started);
    assert!(row.status() == Status::NeedsAttention);
}
