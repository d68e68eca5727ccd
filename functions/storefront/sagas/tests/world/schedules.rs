//! Many orders at once, on a network that copies, delays and loses what it carries: each seed is one schedule.

use std::collections::BTreeMap;

use onecommit_saga::Status;
use storefront_payments::Behaviour;

use crate::network::{Network, Trouble};
use crate::world::World;

const RUNS: u64 = 500;

const TROUBLE: Trouble = Trouble {
    copied: 15,
    delayed: 25,
    answers_lost: 0,
    commits_in_the_dark: 5,
};

const BEHAVIOURS: [Behaviour; 6] = [
    Behaviour::Approve,
    Behaviour::Approve,
    Behaviour::Approve,
    Behaviour::Decline,
    Behaviour::TimeOutThenAnswerTwice,
    Behaviour::Unreachable,
];

/// Up to four orders for few goods, some of which are cancelled on the way.
async fn a_busy_hour(trouble: Trouble, seed: u64) -> World {
    let mut world = World::new(Network::troubled(trouble, seed), seed).await;
    world.sell("TEAPOT", 3, 1_250).await;
    world.sell("CUP", 4, 300).await;
    let count = 1 + world.network.below(3);
    for number in 0..count {
        let customer = format!("cus_{number}");
        let behaviour = BEHAVIOURS[world.network.below(BEHAVIOURS.len() - 1)];
        world.shop.register(&customer).await;
        world.shop.provider_behaves(&customer, behaviour).await;
        let cups = u32::try_from(1 + world.network.below(2)).unwrap();
        let (teapot, cup) = (("TEAPOT", 1, 1_250), ("CUP", cups, 300));
        let items = [vec![teapot], vec![cup], vec![teapot, cup]][world.network.below(2)].clone();
        world.place(&format!("ord_{number}"), &customer, &items).await;
    }
    world.publish().await;
    while world.network.happens(95) && world.step().await {}
    for order in world.placed.clone() {
        if world.network.happens(25) {
            // In time or too late: both are answers.
            assert!([200, 202, 409].contains(&world.cancel(&order).await));
        }
    }
    world
}

#[tokio::test(start_paused = true)]
async fn whatever_the_network_does_every_saga_ends_and_money_goods_and_orders_agree() {
    let mut ends: BTreeMap<Status, u64> = BTreeMap::new();
    let mut told = 0;
    for seed in 0..RUNS {
        let mut world = a_busy_hour(TROUBLE, seed).await;
        world.run_to_the_end().await;
        world.all_is_settled().await;
        told += world.shop.letterbox.subjects().len();
        // What was held for longer than an hour would be given back now; nothing is.
        world.pass(3_600).await;
        assert_eq!(world.shop.expire_reservations().await, 0, "seed {seed}");
        for order in &world.placed {
            *ends.entry(world.status(order).unwrap()).or_default() += 1;
        }
    }
    assert!(told > 0);
    // Neither end may be so rare that it goes untested.
    assert!(
        ends[&Status::Completed] > RUNS / 4 && ends[&Status::Compensated] > RUNS / 4,
        "{ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn answers_that_never_arrive_cost_time_and_neither_money_nor_goods() {
    let trouble = Trouble {
        answers_lost: 30,
        ..TROUBLE
    };
    for seed in 0..RUNS / 5 {
        let mut world = a_busy_hour(trouble, 10_000 + seed).await;
        world.run_to_the_end().await;
        assert!(world.have_all_ended());
        world.stock_is_always_right().await;
        world.money_and_goods_are_right().await;
        world.nobody_is_told_twice().await;
    }
}
