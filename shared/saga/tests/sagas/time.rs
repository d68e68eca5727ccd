use std::time::Duration;

use onecommit_engine::{DatabaseError, Deadline, Table, TableWriter, Transaction, TransientKind, Update, Verdict};
use onecommit_saga::{Command, Saga, SagaRow, Status, What, index_older_sagas, step};

use crate::order::{
    InventoryReleased, InventoryReserved, Order, OrderConfirmed, OrderCreated, PaymentDeclined, PaymentTaken,
    ReserveInventory, VoidPayment,
};
use crate::shop::{Down, Found, SAGAS, Shop, saga};

fn order_1() -> String {
    "ord_1".to_owned()
}

fn taken() -> PaymentTaken {
    PaymentTaken {
        order_id: order_1(),
        payment_id: "pay_1".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_answered_in_time_is_sent_again_under_a_new_id() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.after(29).await;
    assert_eq!(shop.commands("ord_1").await.len(), 1, "it is not due yet");
    shop.after(1).await;
    let commands = shop.commands("ord_1").await;
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "ReserveInventory"]
    );
    assert_ne!(commands[0].id(), commands[1].id());
    assert_eq!(shop.status("ord_1"), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_an_earlier_attempt_is_as_good() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.after(30).await;
    let commands = shop.commands("ord_1").await;
    for command in &commands {
        let reserved = shop.caused_by(command, InventoryReserved { order_id: order_1() });
        assert_eq!(shop.receive(&reserved).await, Verdict::Done);
    }
    assert_eq!(shop.command_types("ord_1").await[2..], ["TakePayment"]);
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_nobody_answered_for_is_voided_and_the_inventory_released_after_it() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    for _ in 0..3 {
        shop.after(60).await;
    }
    let types = shop.command_types("ord_1").await;
    assert_eq!(types[1..], ["TakePayment", "TakePayment", "VoidPayment"]);
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    // The void is answered first: only then is the inventory let go.
    let void = shop.commands("ord_1").await.pop().unwrap();
    shop.receive(&shop.yes_to(&void, "ord_1").unwrap()).await;
    assert_eq!(shop.command_types("ord_1").await[4..], ["ReleaseInventory"]);
    let release = shop.commands("ord_1").await.pop().unwrap();
    shop.receive(&shop.yes_to(&release, "ord_1").unwrap()).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_succeeds_after_the_saga_has_ended_is_voided_again() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    let first_attempt = shop.commands("ord_1").await.pop().unwrap();
    for _ in 0..3 {
        shop.after(60).await;
    }
    for _ in 0..2 {
        let command = shop.commands("ord_1").await.pop().unwrap();
        shop.receive(&shop.yes_to(&command, "ord_1").unwrap()).await;
    }
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    shop.receive(&shop.caused_by(&first_attempt, taken())).await;
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    assert_eq!(shop.command_types("ord_1").await[5..], ["VoidPayment"]);
    // What the saga learned stays: the void that leaves now knows the payment.
    let void = shop.commands("ord_1").await.pop().unwrap();
    let payment_id = void.decode::<VoidPayment>().unwrap().into_payload().payment_id;
    assert_eq!(payment_id.as_deref(), Some("pay_1"));
    shop.receive(&shop.yes_to(&void, "ord_1").unwrap()).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    let row = shop.row("ord_1");
    let late = row.timeline().iter().find(|entry| entry.what == What::SucceededLate);
    assert_eq!(
        late.unwrap().detail.as_deref(),
        Some("the step had been given up: PaymentTaken")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_does_not_speak_for_an_earlier_attempt_that_nobody_answered() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.after(60).await;
    shop.answer("ord_1", PaymentDeclined { order_id: order_1() }).await;
    assert_eq!(shop.command_types("ord_1").await[3..], ["VoidPayment"]);
}

#[tokio::test(start_paused = true)]
async fn two_sweepers_at_once_say_one_thing() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let (one, other) = (shop.due().await.remove(0), shop.due().await.remove(0));
    assert_eq!(
        shop.kit.receive(&[&one, &other]).await,
        [Verdict::Done, Verdict::Duplicate]
    );
    assert_eq!(shop.commands("ord_1").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_an_answer_overtook_changes_nothing() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let due = shop.due().await.remove(0);
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    let before = shop.row("ord_1");
    assert_eq!(shop.receive(&due).await, Verdict::Done);
    assert_eq!(shop.row("ord_1"), before);
}

#[tokio::test(start_paused = true)]
async fn a_clock_behind_the_sweepers_does_not_lose_a_deadline() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let due = shop.due().await.remove(0);
    // A process that was started with a clock one minute slow.
    let slow = shop.another_behind(Duration::from_secs(60));
    assert_eq!(slow.receive(&due).await, Verdict::Done);
    assert_eq!(shop.commands("ord_1").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sagas_that_have_ended_are_found_no_more() {
    let shop = Shop::open();
    for order in ["ord_1", "ord_2"] {
        shop.begin(order).await;
    }
    shop.all_agree("ord_1").await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    let found = Found::default();
    assert_eq!(shop.sweeper().sweep(&found).await.unwrap().woken, 1);
    assert_eq!(found.0.lock().unwrap()[0].aggregate().id(), "ord_2");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_woken_is_counted_and_found_again() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let swept = shop.sweeper().sweep(&Down).await.unwrap();
    assert_eq!((swept.woken, swept.failed, swept.unreadable), (0, 0, 0));
    assert!(swept.is_complete);
    tokio::time::advance(Duration::from_secs(30)).await;
    let swept = shop.sweeper().sweep(&Down).await.unwrap();
    assert_eq!((swept.woken, swept.failed), (0, 1));
    assert_eq!(shop.due().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_follows_its_pages_however_many_are_due_at_one_moment() {
    let shop = Shop::open();
    for number in 0..250 {
        shop.begin(&format!("ord_{number}")).await;
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(shop.due().await.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_row_is_skipped() {
    let shop = Shop::open();
    for order in ["ord_1", "ord_2", "ord_3"] {
        shop.begin(order).await;
    }
    let key = SagaRow::key(&saga("ord_2"));
    let broken = Table::new(SAGAS).update(key).set("correlationId", 7);
    transact(&shop, broken).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let found = Found::default();
    let swept = shop.sweeper().sweep(&found).await.unwrap();
    assert_eq!((swept.woken, swept.unreadable, swept.is_complete), (2, 1, true));
    let mut woken: Vec<String> = found
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.aggregate().id().to_owned())
        .collect();
    woken.sort_unstable();
    assert_eq!(woken, ["ord_1", "ord_3"]);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_does_not_move_is_woken_ever_more_rarely() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let (sweeper, found) = (shop.sweeper(), Found::default());
    let mut woken_at = Vec::new();
    for minute in 0..720 {
        if sweeper.sweep(&found).await.unwrap().woken > 0 {
            woken_at.push(minute);
        }
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(woken_at[..8], [0, 1, 3, 7, 15, 31, 63, 123]);
    assert_eq!(woken_at.len(), 17, "{woken_at:?}");
    // Once it has moved on, its next deadline is another.
    let due = found.0.lock().unwrap().pop().unwrap().into_raw().unwrap();
    shop.receive(&due).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(sweeper.sweep(&found).await.unwrap().woken, 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_an_older_stack_is_found_once_it_is_indexed() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.begin("ord_2").await;
    let older = Table::new(SAGAS).update(SagaRow::key(&saga("ord_1"))).remove("due");
    transact(&shop, older).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(shop.due().await.len(), 1);
    let table = Table::new(SAGAS);
    let indexed = index_older_sagas(&*shop.database, &table, &shop.environment)
        .await
        .unwrap();
    assert_eq!((indexed.indexed, indexed.failed), (1, 0));
    assert_eq!(shop.due().await.len(), 2);
    let again = index_older_sagas(&*shop.database, &table, &shop.environment)
        .await
        .unwrap();
    assert_eq!((again.indexed, again.failed), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn older_rows_that_are_not_valid_are_counted_and_left() {
    let shop = Shop::open();
    let table = Table::new(SAGAS);
    for order in ["ord_1", "ord_2", "ord_3"] {
        shop.begin(order).await;
    }
    for order in ["ord_1", "ord_3"] {
        let broken = table
            .update(SagaRow::key(&saga(order)))
            .remove("due")
            .set("correlationId", 7);
        transact(&shop, broken).await;
    }
    let indexed = index_older_sagas(&*shop.database, &table, &shop.environment)
        .await
        .unwrap();
    assert_eq!((indexed.indexed, indexed.failed), (0, 2));
}

async fn transact(shop: &Shop, update: Update) {
    let token = shop.environment.ids().next();
    let writes = vec![update.into()];
    shop.database.transact(&Transaction { token, writes }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_takes_nothing_ends_the_sweep() {
    let shop = Shop::open();
    for number in 0..40 {
        shop.begin(&format!("ord_{number}")).await;
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    let sweeper = shop.sweeper();
    let swept = sweeper.sweep(&Down).await.unwrap();
    assert!(!swept.is_complete && swept.failed < 40, "{swept:?}");
    let found = Found::default();
    assert_eq!(
        sweeper.sweep(&found).await.unwrap().woken,
        40,
        "what was not sent is not forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_answer_holds_up_no_other() {
    let shop = Shop::open();
    for number in 0..40 {
        shop.begin(&format!("ord_{number}")).await;
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    shop.database
        .fail_next(DatabaseError::Transient(TransientKind::Throttled, "busy".into()));
    let found = Found::default();
    let swept = shop.sweeper().sweep(&found).await.unwrap();
    assert!(!swept.is_complete && swept.woken > 30 && swept.woken < 40, "{swept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_without_time_leaves_the_rest_to_the_next() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(30)).await;
    let deadline = Deadline::after(Duration::from_secs(1), shop.environment.clock());
    let swept = shop.sweeper().sweep_until(&Found::default(), deadline).await.unwrap();
    assert!(!swept.is_complete && swept.woken == 0, "{swept:?}");
}

/// ```text
/// the answer   reads version 3 ----- lands as version 4, due in 30 s
/// the deadline reads version 3 ------------- does not land as version 4, due in 60 s; this process remembers it
/// 30 s later   version 4 is due, and the remembered version 4 is not
/// ```
#[tokio::test(start_paused = true)]
async fn a_deadline_is_judged_by_the_row_and_not_by_a_transition_that_never_landed() {
    let ask = || {
        Command::of(|order: &Order| ReserveInventory {
            order_id: order.order_id.clone(),
        })
    };
    let undo = || ask().answered_by::<InventoryReleased>();
    let slow = step("slow", ask().answered_by::<InventoryReserved>());
    let quick = ask().answered_by::<OrderConfirmed>().within(Duration::from_secs(30));
    let definition = Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .compensatable(slow.compensated_by(undo()))
        .compensatable(step("quick", quick).compensated_by(undo()));
    let shop = Shop::running([definition.build().unwrap()]);
    shop.begin("ord_1").await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let command = shop.commands("ord_1").await.remove(0);
    let order_id = "ord_1".to_owned();
    let answer = shop.caused_by(&command, InventoryReserved { order_id });
    let deadline = shop.due().await.remove(0);
    let verdicts = shop.kit.receive(&[&answer, &deadline]).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(shop.commands("ord_1").await.len(), 2, "the answer was quicker");
    shop.after(30).await;
    assert_eq!(
        shop.commands("ord_1").await.len(),
        3,
        "the second step is asked for again"
    );
}
