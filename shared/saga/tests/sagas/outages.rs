//! What an outage of ours does to a saga: it takes time, and decides nothing.

use std::time::Duration;

use onecommit_engine::Verdict;
use onecommit_saga::{Command, Definition, Saga, SagaCancelRequested, Status, What, step};

use crate::order::{InventoryReleased, InventoryReserved, Order, OrderCreated, PaymentTaken, PaymentVoided};
use crate::shop::Shop;

fn order_1() -> String {
    "ord_1".to_owned()
}

/// An order whose payment is asked for.
async fn asked_for_payment() -> Shop {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop
}

async fn pay(shop: &Shop) {
    let payment_id = "pay_1".to_owned();
    let order_id = order_1();
    shop.answer("ord_1", PaymentTaken { order_id, payment_id }).await;
}

/// Time passes while the sweeper and the orchestrator work, and nothing that they publish comes back.
async fn closed_way(shop: &Shop, seconds: u64) {
    for _ in 0..seconds / 30 {
        tokio::time::advance(Duration::from_secs(30)).await;
        for due in shop.due().await {
            assert_eq!(shop.receive(&due).await, Verdict::Done);
        }
    }
}

const OUTAGES_S: [u64; 4] = [30, 300, 3_600, 43_200];

#[tokio::test(start_paused = true)]
async fn deadlines_that_come_up_late_decide_nothing() {
    for outage_s in OUTAGES_S {
        let shop = asked_for_payment().await;
        // The last attempt is out when the outage begins.
        shop.after(60).await;
        tokio::time::advance(Duration::from_secs(60 + outage_s)).await;
        for due in shop.due().await {
            shop.receive(&due).await;
        }
        assert_eq!(shop.status("ord_1"), Status::Running, "{outage_s} s");
        let has_begun_anew = shop.happened("ord_1").contains(&What::NotCounted);
        assert_eq!(has_begun_anew, outage_s > 120, "{outage_s} s");
        pay(&shop).await;
        assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "ConfirmOrder");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_way_decides_nothing() {
    for outage_s in OUTAGES_S {
        let shop = asked_for_payment().await;
        closed_way(&shop, outage_s).await;
        assert_eq!(shop.status("ord_1"), Status::Running, "{outage_s} s");
        let echoes = shop.echoes("ord_1").await;
        assert!(echoes.len() < 60, "{} echoes in {outage_s} s", echoes.len());
        for echo in echoes {
            shop.receive(&echo).await;
        }
        assert_eq!(shop.status("ord_1"), Status::Running, "{outage_s} s");
        pay(&shop).await;
        assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "ConfirmOrder");
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_that_opens_again_gives_every_attempt_anew() {
    let shop = asked_for_payment().await;
    closed_way(&shop, 3_600).await;
    let before = shop.commands("ord_1").await.len();
    shop.receive(&shop.echoes("ord_1").await.pop().unwrap()).await;
    assert_eq!(shop.commands("ord_1").await.len(), before + 1, "a fresh command");
    // A provider that never answers ends by its deadlines all the same: two attempts, and as long after the echo.
    for _ in 0..2 {
        shop.after(60).await;
        assert_eq!(shop.status("ord_1"), Status::Running);
    }
    shop.after(60).await;
    assert_eq!(shop.status("ord_1"), Status::Compensating);
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_meets_an_outage_needs_no_person() {
    let shop = asked_for_payment().await;
    for _ in 0..3 {
        shop.after(60).await;
    }
    assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "VoidPayment");
    closed_way(&shop, 43_200).await;
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    shop.receive(&shop.echoes("ord_1").await.pop().unwrap()).await;
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_step_after_the_pivot_alarms_nobody_during_an_outage() {
    let shop = asked_for_payment().await;
    pay(&shop).await;
    closed_way(&shop, 3_600).await;
    assert_eq!(shop.status("ord_1"), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_always_late_does_not_hold_a_saga_for_ever() {
    let shop = asked_for_payment().await;
    for _ in 0..30 {
        if shop.status("ord_1") == Status::Compensating {
            break;
        }
        shop.after(600).await;
    }
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    let excuses = shop
        .happened("ord_1")
        .into_iter()
        .filter(|what| *what == What::NotCounted);
    assert_eq!(excuses.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_echo_of_an_earlier_attempt_says_nothing() {
    let shop = asked_for_payment().await;
    closed_way(&shop, 600).await;
    let old = shop.echoes("ord_1").await.pop().unwrap();
    shop.receive(&shop.echoes("ord_1").await.remove(0)).await;
    let before = shop.row("ord_1");
    shop.receive(&old).await;
    assert_eq!(shop.row("ord_1"), before);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_pivot_that_nobody_answers_is_not_asked_for_again_after_an_outage() {
    let shop = asked_for_payment().await;
    let reason = "changed my mind".to_owned();
    shop.ask("ord_1", SagaCancelRequested { reason }).await;
    shop.after(3_600).await;
    assert_eq!(shop.command_types("ord_1").await[1..], ["TakePayment", "VoidPayment"]);
}

/// A saga that waits for its goods without end.
fn patient_saga() -> Definition {
    let reserve = Command::of(Order::reserve_inventory)
        .answered_by::<InventoryReserved>()
        .within(Duration::from_secs(60))
        .until_answered();
    let release = Command::of(Order::release_inventory).answered_by::<InventoryReleased>();
    let take = Command::of(Order::take_payment).answered_by::<PaymentTaken>();
    let void = Command::of(Order::void_payment).answered_by::<PaymentVoided>();
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .compensatable(step("reserve inventory", reserve).compensated_by(release))
        .pivot(step("take payment", take).undone_by(void))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_asked_for_until_it_is_answered_outlasts_whoever_answers() {
    let shop = Shop::running([patient_saga()]);
    shop.begin("ord_1").await;
    for _ in 0..24 * 60 {
        shop.after(60).await;
    }
    assert_eq!(shop.status("ord_1"), Status::Running);
    let asked = shop.command_types("ord_1").await;
    assert!(asked.iter().all(|command| command == "ReserveInventory"), "{asked:?}");
    // The queue keeps the first one; the others are for a command that was lost.
    assert!((4..60).contains(&asked.len()), "{} times in a day", asked.len());
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "TakePayment");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_until_it_is_answered_can_be_cancelled() {
    let shop = Shop::running([patient_saga()]);
    shop.begin("ord_1").await;
    for _ in 0..60 {
        shop.after(60).await;
    }
    let reason = "changed my mind".to_owned();
    shop.ask("ord_1", SagaCancelRequested { reason }).await;
    for _ in 0..60 {
        shop.after(60).await;
    }
    assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "ReleaseInventory");
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[test]
fn the_diagram_of_a_step_that_is_asked_for_until_it_is_answered_has_no_way_out_of_silence() {
    assert!(!patient_saga().to_mermaid().contains("s0 -. no answer"));
}
