use onecommit_engine::{ParkReason, Verdict};
use onecommit_saga::{SagaCancelRequested, SagaResolved, SagaRetryRequested, SagaSkipRequested, Status, What};

use crate::order::{InventoryReserved, OutOfStock, PaymentDeclined, PaymentTaken, ReleaseFailed};
use crate::shop::Shop;

fn order_1() -> String {
    "ord_1".to_owned()
}

fn cancel() -> SagaCancelRequested {
    SagaCancelRequested {
        reason: "the customer called".to_owned(),
    }
}

fn retry() -> SagaRetryRequested {
    SagaRetryRequested {
        step: None,
        reason: "the warehouse is back".to_owned(),
    }
}

fn skip() -> SagaSkipRequested {
    SagaSkipRequested {
        step: Some("reserve inventory".to_owned()),
        reason: "released by hand".to_owned(),
    }
}

fn paid() -> PaymentTaken {
    PaymentTaken {
        order_id: order_1(),
        payment_id: "pay_1".to_owned(),
    }
}

/// An order whose inventory cannot be released.
async fn stuck() -> Shop {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.answer("ord_1", PaymentDeclined { order_id: order_1() }).await;
    for _ in 0..3 {
        shop.answer("ord_1", ReleaseFailed { order_id: order_1() }).await;
        shop.after(10).await;
    }
    shop
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_keeps_failing_waits_for_a_person_and_is_listed() {
    let shop = stuck().await;
    assert_eq!(shop.status("ord_1"), Status::NeedsAttention);
    assert_eq!(shop.command_types("ord_1").await[2..], ["ReleaseInventory"; 3]);
    shop.after(3600).await;
    assert_eq!(shop.commands("ord_1").await.len(), 5, "nothing more is tried");
    let listed = shop.sweeper().needing_attention(10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].saga.to_string(), "OrderSaga#ord_1");
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_again_with_all_attempts() {
    let shop = stuck().await;
    assert_eq!(shop.ask("ord_1", retry()).await, Verdict::Done);
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_skip_goes_on_and_the_journal_says_who_and_why() {
    let shop = stuck().await;
    assert_eq!(shop.ask("ord_1", skip()).await, Verdict::Done);
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    let row = shop.row("ord_1");
    let skipped = row
        .timeline()
        .iter()
        .find(|entry| entry.what == What::SkipRequested)
        .unwrap();
    assert_eq!(skipped.by.as_deref(), Some("ada"));
    assert_eq!(skipped.detail.as_deref(), Some("released by hand"));
    assert_eq!(skipped.step.as_deref(), Some("reserve inventory"));
}

#[tokio::test(start_paused = true)]
async fn a_resolved_saga_has_ended_and_takes_no_further_step() {
    let shop = stuck().await;
    let reason = "settled with the warehouse".to_owned();
    assert_eq!(shop.ask("ord_1", SagaResolved { reason }).await, Verdict::Done);
    assert_eq!(shop.status("ord_1"), Status::Resolved);
    assert_eq!(shop.row("ord_1").deadline(), None);
    let sent = shop.commands("ord_1").await.len();
    shop.ask("ord_1", retry()).await;
    shop.all_agree("ord_1").await;
    assert_eq!(shop.commands("ord_1").await.len(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_step_after_the_pivot_is_tried_without_end_and_a_person_is_told() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.answer("ord_1", paid()).await;
    // Three attempts, and once more as long after the echo of the last is back.
    for _ in 0..4 {
        assert_eq!(shop.status("ord_1"), Status::Running);
        shop.after(60).await;
    }
    assert_eq!(shop.status("ord_1"), Status::NeedsAttention);
    shop.after(60).await;
    assert_eq!(shop.command_types("ord_1").await[2..], ["ConfirmOrder"; 5]);
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_step_after_the_pivot_can_be_skipped_too() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.answer("ord_1", paid()).await;
    for _ in 0..4 {
        shop.after(60).await;
    }
    let everything = SagaSkipRequested {
        step: None,
        reason: "confirmed by phone".to_owned(),
    };
    shop.ask("ord_1", everything).await;
    assert_eq!(shop.status("ord_1"), Status::Completed);
    assert_eq!(shop.command_types("ord_1").await.pop().unwrap(), "NotifyCustomer");
}

#[tokio::test(start_paused = true)]
async fn a_saga_cancelled_before_its_pivot_compensates_what_was_done_and_what_is_under_way() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    assert_eq!(shop.ask("ord_1", cancel()).await, Verdict::Done);
    assert_eq!(shop.status("ord_1"), Status::Compensating);
    assert_eq!(shop.commands("ord_1").await.len(), 1, "the answer comes first");
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "ReleaseInventory"]
    );
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_saga_cancelled_while_its_step_is_refused_has_nothing_to_undo() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.ask("ord_1", cancel()).await;
    shop.answer("ord_1", OutOfStock { order_id: order_1() }).await;
    assert_eq!(shop.status("ord_1"), Status::Compensated);
    assert_eq!(shop.commands("ord_1").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_pivot_is_out_its_outcome_decides_over_a_cancellation() {
    for succeeds in [true, false] {
        let shop = Shop::open();
        shop.begin("ord_1").await;
        shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
        shop.ask("ord_1", cancel()).await;
        assert_eq!(shop.status("ord_1"), Status::Running);
        if succeeds {
            shop.answer("ord_1", paid()).await;
            assert!(shop.happened("ord_1").contains(&What::NotCancelled));
        } else {
            // Nobody answers: it is not asked for a second time.
            shop.after(60).await;
            assert_eq!(shop.command_types("ord_1").await[1..], ["TakePayment", "VoidPayment"]);
        }
        let mut answered = 2;
        while let Some(command) = shop.commands("ord_1").await.get(answered) {
            answered += 1;
            if let Some(yes) = shop.yes_to(command, "ord_1") {
                shop.receive(&yes).await;
            }
        }
        let end = if succeeds {
            Status::Completed
        } else {
            Status::Compensated
        };
        assert_eq!(shop.status("ord_1"), end);
    }
}

#[tokio::test(start_paused = true)]
async fn past_its_pivot_a_saga_cannot_be_cancelled_and_says_so() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.answer("ord_1", InventoryReserved { order_id: order_1() }).await;
    shop.answer("ord_1", paid()).await;
    shop.ask("ord_1", cancel()).await;
    assert_eq!(shop.status("ord_1"), Status::Running);
    let entry = shop.last_entry("ord_1");
    assert_eq!((entry.what, entry.by.as_deref()), (What::NotCancelled, Some("ada")));
    assert_eq!(
        entry.detail.as_deref(),
        Some("it is past its pivot: the customer called")
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_now_is_written_down_and_changes_nothing() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    shop.ask("ord_1", retry()).await;
    assert_eq!(shop.last_entry("ord_1").what, What::NothingToDo);
    shop.ask("ord_1", skip()).await;
    assert_eq!(shop.last_entry("ord_1").what, What::NothingToDo);
    let reason = "enough".to_owned();
    shop.ask("ord_1", SagaResolved { reason }).await;
    assert_eq!(shop.last_entry("ord_1").what, What::NothingToDo);
    assert_eq!(shop.status("ord_1"), Status::Running);
    assert_eq!(shop.commands("ord_1").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_saga_or_a_step_that_is_not_there_is_parked_with_words() {
    let shop = Shop::open();
    shop.begin("ord_1").await;
    let unknown_step = SagaRetryRequested {
        step: Some("reserve inventry".to_owned()),
        reason: "typo".to_owned(),
    };
    for (order, verdict) in [
        ("ord_9", shop.ask("ord_9", retry()).await),
        ("ord_1", shop.ask("ord_1", unknown_step).await),
    ] {
        let Verdict::Park { reason, error } = verdict else {
            panic!("{order}: {verdict:?}");
        };
        assert_eq!(reason, ParkReason::Rejected);
        assert!(error.contains(order), "{error}");
    }
}
