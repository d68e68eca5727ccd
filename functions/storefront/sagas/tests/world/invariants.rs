//! What has to be true of the storefront, whatever happens on the way.

use onecommit_event::Aggregate;
use onecommit_saga::Status;
use storefront_orders::{Order, OrderStatus};

use crate::world::World;

/// What became of an order, each part as its own context knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) saga: Status,
    pub(crate) order: OrderStatus,
    /// What the provider did with the customer's money, in its own words.
    pub(crate) money: Option<String>,
    pub(crate) goods: Option<String>,
}

impl World {
    pub(crate) async fn outcome(&self, order: &str) -> Outcome {
        let stream = Aggregate::new("Order", order).unwrap();
        let state = self.store.load::<Order>(&stream).await.unwrap().state;
        Outcome {
            saga: self.status(order).unwrap(),
            order: state.status,
            money: self.shop.money(order).await,
            goods: self.shop.reservation(order).await,
        }
    }

    /// Stock is never below zero, and always what it started with minus confirmed minus held.
    pub(crate) async fn stock_is_always_right(&self) {
        for sku in &self.products {
            let stock = self.shop.stock(sku).await;
            assert!(
                stock.available >= 0 && stock.held >= 0 && stock.confirmed >= 0,
                "{sku}: {stock:?}"
            );
            assert_eq!(
                stock.available,
                stock.start - stock.confirmed - stock.held,
                "{sku}: {stock:?}"
            );
        }
    }

    /// A confirmed order has one captured payment and its goods; money that was taken belongs to a confirmed order.
    pub(crate) async fn money_and_goods_are_right(&self) {
        for order in &self.placed {
            let outcome = self.outcome(order).await;
            let is_paid = outcome.money.as_deref() == Some("captured");
            let is_confirmed = outcome.order == OrderStatus::Confirmed;
            assert_eq!(is_confirmed, is_paid, "{order}: {outcome:?}");
            if is_confirmed {
                assert_eq!(outcome.goods.as_deref(), Some("confirmed"), "{order}: {outcome:?}");
                let history = self.history("Order", order).await;
                assert_eq!(history, ["OrderCreated", "OrderConfirmed"], "{order}");
            }
        }
    }

    /// Customers are told of confirmed orders only, and once.
    pub(crate) async fn nobody_is_told_twice(&self) {
        let mut subjects = self.shop.letterbox.subjects();
        subjects.sort();
        let mut once = subjects.clone();
        once.dedup();
        assert_eq!(subjects, once);
        for order in &self.placed {
            if subjects.contains(&format!("Order {order}")) {
                assert_eq!(self.outcome(order).await.order, OrderStatus::Confirmed, "{order}");
            }
        }
    }

    /// Every saga has ended, as everybody knows it, and nothing is left behind.
    pub(crate) async fn all_is_settled(&self) {
        self.stock_is_always_right().await;
        self.money_and_goods_are_right().await;
        assert_eq!(self.parked, Vec::<String>::new());
        self.nobody_is_told_twice().await;
        for order in &self.placed {
            let outcome = self.outcome(order).await;
            let is_gone = |goods: &str| ["released", "refused"].contains(&goods);
            let is_settled = match outcome.saga {
                Status::Completed => outcome.order == OrderStatus::Confirmed,
                Status::Compensated => {
                    [OrderStatus::Cancelled, OrderStatus::NotPlaced].contains(&outcome.order)
                        && outcome.goods.as_deref().is_none_or(is_gone)
                }
                _ => false,
            };
            assert!(is_settled, "{order}: {outcome:?}");
        }
        for sku in &self.products {
            assert_eq!(
                self.shop.stock(sku).await.held,
                0,
                "{sku} is held for orders that have ended"
            );
        }
    }
}
