//! Whatever comes, however often and in which order: no product is made or lost.

use std::collections::HashMap;
use std::time::Duration;

use onecommit_event::Event;
use proptest::prelude::*;
use storefront_catalog::ReservationState;

use crate::kit::{HOLD_FOR, Kit, order_confirmed, release, reserve};

const PRODUCTS: [&str; 3] = ["cup", "pan", "pot"];
const ORDERS: usize = 5;

#[derive(Clone, Debug)]
enum Happening {
    Reserve(usize),
    Release(usize),
    Confirm(usize),
    /// One of the messages so far, once more under its own id.
    Copy(usize),
    Restock(usize, i64),
    /// So many tenths of the time that a reservation holds go by, and the schedule runs.
    Later(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..ORDERS).prop_map(Happening::Reserve),
        2 => (0..ORDERS).prop_map(Happening::Release),
        2 => (0..ORDERS).prop_map(Happening::Confirm),
        3 => (0..100_usize).prop_map(Happening::Copy),
        1 => (0..PRODUCTS.len(), 1..5_i64).prop_map(|(product, quantity)| Happening::Restock(product, quantity)),
        1 => (1..12_u32).prop_map(Happening::Later),
    ]
}

/// What each order wants: one to three products, some of each.
fn wishes() -> impl Strategy<Value = Vec<Vec<u32>>> {
    let wish =
        prop::collection::vec(0..4_u32, PRODUCTS.len()).prop_filter("something", |wish| wish.iter().any(|n| *n > 0));
    prop::collection::vec(wish, ORDERS)
}

async fn check(kit: &Kit, wishes: &[Vec<u32>]) {
    let mut expected: HashMap<&str, (i64, i64)> = HashMap::new();
    for (order, wish) in wishes.iter().enumerate() {
        let state = kit.state(&format!("ord-{order}")).await;
        for (product, quantity) in PRODUCTS.iter().zip(wish) {
            let shares = expected.entry(product).or_default();
            match state {
                Some(ReservationState::Held) => shares.0 += i64::from(*quantity),
                Some(ReservationState::Confirmed) => shares.1 += i64::from(*quantity),
                _ => {}
            }
        }
    }
    for (product, (held, confirmed)) in expected {
        let stock = kit.stock(product);
        assert_eq!((stock.held, stock.confirmed), (held, confirmed), "{product}: {stock:?}");
    }
}

async fn run(wishes: Vec<Vec<u32>>, happenings: Vec<Happening>) {
    let kit = Kit::with_products(&PRODUCTS.map(|product| (product, 4))).await;
    let mut messages: Vec<Event> = Vec::new();
    for (number, happening) in happenings.into_iter().enumerate() {
        let message = match happening {
            Happening::Reserve(order) => {
                let items: Vec<(&str, u32)> = PRODUCTS.into_iter().zip(wishes[order].iter().copied()).collect();
                let wanted: Vec<(&str, u32)> = items.into_iter().filter(|(_, quantity)| *quantity > 0).collect();
                Some(reserve(&format!("ord-{order}"), &wanted))
            }
            Happening::Release(order) => Some(release(&format!("ord-{order}"))),
            Happening::Confirm(order) => Some(order_confirmed(&format!("ord-{order}"))),
            Happening::Copy(_) if messages.is_empty() => None,
            Happening::Copy(earlier) => Some(messages[earlier % messages.len()].clone()),
            Happening::Restock(product, quantity) => {
                kit.add_stock(PRODUCTS[product], &format!("addition-{number}"), quantity)
                    .await;
                None
            }
            Happening::Later(tenths) => {
                tokio::time::advance(HOLD_FOR / 10 * tenths + Duration::from_millis(1)).await;
                kit.expire().await;
                None
            }
        };
        if let Some(message) = message {
            kit.receive(&message).await;
            messages.push(message);
        }
        check(&kit, &wishes).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]
    #[test]
    fn available_held_and_confirmed_add_up_to_start(
        wishes in wishes(),
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(wishes, happenings));
    }
}
