//! What has to be true of the storefront, whatever happens on the way.

use onecommit_domain_orders::{Order, OrderStatus};
use onecommit_event::Aggregate;
use onecommit_saga::Status;

use crate::world::{PROVIDER, World};

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
        let payment = self.database.row(PROVIDER, &[&format!("payment#pay_{order}")]);
        Outcome {
            saga: self.status(order).unwrap(),
            order: state.status,
            money: payment.map(|row| row["status"].as_str().unwrap().to_owned()),
            goods: self.shelf.hold_of(order),
        }
    }

    /// Stock is never below zero, and always what it started with minus confirmed minus held.
    pub(crate) fn stock_is_always_right(&self) {
        for stock in self.shelf.stock() {
            assert!(
                stock.available >= 0 && stock.held >= 0 && stock.confirmed >= 0,
                "{stock:?}"
            );
            assert_eq!(stock.available, stock.start - stock.confirmed - stock.held, "{stock:?}");
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

    /// Every saga has ended, as everybody knows it, and nothing is left behind.
    pub(crate) async fn all_is_settled(&self) {
        self.stock_is_always_right();
        self.money_and_goods_are_right().await;
        assert_eq!(self.parked, Vec::<String>::new());
        let mut confirmed_goods = 0;
        for order in &self.placed {
            let outcome = self.outcome(order).await;
            let is_settled = match outcome.saga {
                Status::Completed => outcome.order == OrderStatus::Confirmed,
                Status::Compensated => {
                    [OrderStatus::Cancelled, OrderStatus::NotPlaced].contains(&outcome.order)
                        && outcome.goods.as_deref() != Some("held")
                        && outcome.goods.as_deref() != Some("confirmed")
                }
                _ => false,
            };
            assert!(is_settled, "{order}: {outcome:?}");
            confirmed_goods += usize::from(outcome.goods.as_deref() == Some("confirmed"));
        }
        let held: i64 = self.shelf.stock().iter().map(|stock| stock.held).sum();
        assert_eq!(held, 0, "nothing is held for orders that have ended");
        let confirmed: i64 = self.shelf.stock().iter().map(|stock| stock.confirmed).sum();
        assert_eq!(confirmed > 0, confirmed_goods > 0);
    }
}
