//! Orders as they go, one story each.

use onecommit_saga::{Status, What};
use storefront_orders::OrderStatus;
use storefront_payments::Behaviour;

use crate::invariants::Outcome;
use crate::network::Network;
use crate::world::World;

const TEAPOT: (&str, u32, i64) = ("TEAPOT", 1, 1_250);

async fn a_shop_with_teapots(count: i64) -> World {
    let mut world = World::new(Network::calm(), 1).await;
    world.sell("TEAPOT", count, 1_250).await;
    world.shop.register("cus_7").await;
    world
}

fn ended(saga: Status, order: OrderStatus, money: Option<&str>, goods: Option<&str>) -> Outcome {
    Outcome {
        saga,
        order,
        money: money.map(str::to_owned),
        goods: goods.map(str::to_owned),
    }
}

fn confirmed() -> Outcome {
    ended(
        Status::Completed,
        OrderStatus::Confirmed,
        Some("captured"),
        Some("confirmed"),
    )
}

fn happened(world: &World, order: &str, what: What) -> bool {
    let saga = world.saga(order).unwrap();
    saga.timeline().iter().any(|entry| entry.what == what)
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_reserved_paid_confirmed_and_told() {
    let mut world = a_shop_with_teapots(2).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.deliver_all().await;
    assert_eq!(world.outcome("ord_1").await, confirmed());
    assert_eq!(
        world.history("OrderSaga", "ord_1").await,
        [
            "CreateOrder",
            "ReserveInventory",
            "CapturePayment",
            "ConfirmOrder",
            "NotifyCustomer"
        ]
    );
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_out_of_stock_is_cancelled_and_nobody_is_asked_for_money() {
    let mut world = a_shop_with_teapots(0).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.deliver_all().await;
    assert_eq!(
        world.outcome("ord_1").await,
        ended(Status::Compensated, OrderStatus::Cancelled, None, Some("refused"))
    );
    assert_eq!(
        world.history("OrderSaga", "ord_1").await,
        ["CreateOrder", "ReserveInventory", "CancelOrder"]
    );
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_payment_gives_the_goods_back_and_cancels_the_order() {
    let mut world = a_shop_with_teapots(1).await;
    world.shop.provider_behaves("cus_7", Behaviour::Decline).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.place("ord_2", "cus_8", &[TEAPOT]).await;
    world.deliver_all().await;
    let first = world.outcome("ord_1").await;
    assert_eq!(
        first,
        ended(
            Status::Compensated,
            OrderStatus::Cancelled,
            Some("declined"),
            Some("released")
        )
    );
    world.all_is_settled().await;
    world.place("ord_3", "cus_8", &[TEAPOT]).await;
    world.deliver_all().await;
    assert_eq!(
        world.outcome("ord_3").await,
        confirmed(),
        "the teapot is on the shelf again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_times_out_and_then_answers_twice_takes_the_money_once() {
    let mut world = a_shop_with_teapots(1).await;
    world
        .shop
        .provider_behaves("cus_7", Behaviour::TimeOutThenAnswerTwice)
        .await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.run_to_the_end().await;
    assert_eq!(world.outcome("ord_1").await, confirmed());
    assert_eq!(world.history("ProviderPayment", "pay_ord_1").await.len(), 2);
    assert_eq!(world.history("Payment", "pay_ord_1").await, ["PaymentProcessed"]);
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_out_of_reach_is_given_up_and_takes_nothing_when_it_is_back() {
    let mut world = a_shop_with_teapots(1).await;
    world.shop.provider_behaves("cus_7", Behaviour::Unreachable).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.deliver_all().await;
    for _ in 0..5 {
        world.pass(60).await;
        world.deliver_all().await;
    }
    assert!(happened(&world, "ord_1", What::GivenUp));
    world.shop.provider_behaves("cus_7", Behaviour::Approve).await;
    world.run_to_the_end().await;
    assert_eq!(
        world.outcome("ord_1").await,
        ended(
            Status::Compensated,
            OrderStatus::Cancelled,
            Some("voided"),
            Some("released")
        )
    );
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_until_the_deadline_is_given_again_and_nothing_happens_twice() {
    for (reply, kind, id) in [
        ("OrderCreated", "Order", "ord_1"),
        ("InventoryReserved", "Reservation", "ord_1"),
        ("PaymentProcessed", "Payment", "pay_ord_1"),
        ("OrderConfirmed", "Order", "ord_1"),
        ("CustomerNotified", "Notification", "ord_1-orderConfirmed"),
    ] {
        let mut world = a_shop_with_teapots(1).await;
        world.place("ord_1", "cus_7", &[TEAPOT]).await;
        let mut lost = Vec::new();
        world.publish().await;
        loop {
            lost.append(&mut world.network.hold_back(reply));
            if !world.step().await {
                break;
            }
        }
        assert!(!world.have_all_ended(), "{reply} is missed");
        assert!(world.history(kind, id).await.contains(&reply.to_owned()), "{reply}");
        // What others than the saga wanted with it arrives; only the saga's copy is gone.
        lost.retain(|letter| letter.to != 0);
        world.network.put_back(lost);
        world.pass(60).await;
        world.run_to_the_end().await;
        assert_eq!(world.outcome("ord_1").await, confirmed(), "{reply}");
        assert!(happened(&world, "ord_1", What::TimedOut), "{reply}");
        world.all_is_settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn money_whose_taking_is_told_after_the_saga_gave_it_up_goes_back() {
    let mut world = a_shop_with_teapots(1).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    let mut late = Vec::new();
    world.publish().await;
    for _ in 0..6 {
        loop {
            late.append(&mut world.network.hold_back("PaymentProcessed"));
            late.append(&mut world.network.hold_back("PaymentUnchanged"));
            if !world.step().await {
                break;
            }
        }
        world.pass(60).await;
    }
    world.run_to_the_end().await;
    let refunded = ended(
        Status::Compensated,
        OrderStatus::Cancelled,
        Some("refunded"),
        Some("released"),
    );
    assert_eq!(world.outcome("ord_1").await, refunded);
    assert!(!late.is_empty());
    world.network.put_back(late);
    world.run_to_the_end().await;
    assert_eq!(world.outcome("ord_1").await, refunded);
    assert!(happened(&world, "ord_1", What::SucceededLate));
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_customer_who_changes_their_mind_in_time_pays_nothing() {
    let mut world = a_shop_with_teapots(1).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.publish().await;
    // The start, CreateOrder, OrderCreated: the reservation is asked for.
    for _ in 0..3 {
        world.step().await;
    }
    assert_eq!(world.cancel("ord_1").await, 202);
    world.run_to_the_end().await;
    assert_eq!(
        world.outcome("ord_1").await,
        ended(Status::Compensated, OrderStatus::Cancelled, None, Some("released"))
    );
    let reason = world.saga("ord_1").unwrap();
    let entry = reason
        .timeline()
        .iter()
        .find(|entry| entry.what == What::CancelRequested);
    assert_eq!(entry.unwrap().detail.as_deref(), Some("changed my mind"));
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_of_a_confirmed_order_is_refused_and_changes_nothing() {
    let mut world = a_shop_with_teapots(1).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.deliver_all().await;
    assert_eq!(world.cancel("ord_1").await, 409);
    world.operator_cancels("ord_1");
    world.run_to_the_end().await;
    assert_eq!(world.outcome("ord_1").await, confirmed());
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn two_orders_for_the_last_piece_are_one_confirmed_and_one_cancelled() {
    let mut world = a_shop_with_teapots(1).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.place("ord_2", "cus_8", &[TEAPOT]).await;
    world.deliver_all().await;
    let mut sagas = [world.status("ord_1").unwrap(), world.status("ord_2").unwrap()];
    sagas.sort_unstable();
    assert_eq!(sagas, [Status::Completed, Status::Compensated]);
    world.all_is_settled().await;
}

#[tokio::test(start_paused = true)]
async fn goods_of_a_confirmed_order_are_the_customers_also_when_their_hold_would_be_over() {
    let mut world = a_shop_with_teapots(2).await;
    world.place("ord_1", "cus_7", &[TEAPOT]).await;
    world.deliver_all().await;
    world.place("ord_2", "cus_8", &[TEAPOT]).await;
    world.publish().await;
    // The start, CreateOrder, OrderCreated, ReserveInventory: then nothing arrives any more.
    for _ in 0..4 {
        world.step().await;
    }
    world.pass(2 * 86_400 + 1).await;
    assert_eq!(world.shop.expire_reservations().await, 1);
    assert_eq!(world.shop.reservation("ord_1").await.as_deref(), Some("confirmed"));
    assert_eq!(world.shop.reservation("ord_2").await.as_deref(), Some("expired"));
    world.stock_is_always_right().await;
}
