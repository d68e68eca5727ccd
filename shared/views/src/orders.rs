use onecommit_commit::{Atomic, Commit, Consumer, Failure, Key, Table};
use onecommit_domain_orders::OrderCreated;
use onecommit_domain_payments::PaymentProcessed;
use onecommit_event::Event;

/// One row per order: `pk` = `order#<id>`, `sk` = `summary`, with what was ordered and what has been paid.
///
/// Events of an order and of its payments come in any order, so each changes only attributes that the other leaves
/// alone, and none needs the row to be there.
#[derive(Clone, Debug)]
pub struct OrdersView {
    views: Table,
}

impl OrdersView {
    /// The view in the table `views`.
    #[must_use]
    pub fn new(views: Table) -> Self {
        Self { views }
    }

    /// A consumer of this name that keeps the view.
    #[must_use]
    pub fn consumer(self, name: impl Into<String>) -> Consumer {
        Consumer::named(name)
            .atomic::<OrderCreated, _>(self.clone())
            .atomic::<PaymentProcessed, _>(self)
    }

    fn row(order_id: &str) -> Key {
        Key::of_view(format!("order#{order_id}"), "summary")
    }
}

impl Atomic<OrderCreated> for OrdersView {
    async fn handle(&self, event: Event<OrderCreated>) -> Result<Commit, Failure> {
        let order = event.payload();
        Ok(Commit::of(
            self.views
                .update(Self::row(event.aggregate().id()))
                .set("orderId", event.aggregate().id())
                .set("customerId", &order.customer_id)
                .set(
                    "itemCount",
                    order.items.iter().map(|line| u64::from(line.quantity)).sum::<u64>(),
                )
                .set("totalMinorUnits", order.total.minor_units())
                .set("currency", order.total.currency().to_string())
                .set("createdAt", event.timestamp().to_string())
                .set_if_absent("status", "created"),
        ))
    }
}

impl Atomic<PaymentProcessed> for OrdersView {
    async fn handle(&self, event: Event<PaymentProcessed>) -> Result<Commit, Failure> {
        let payment = event.payload();
        Ok(Commit::of(
            self.views
                .update(Self::row(&payment.order_id))
                .set("orderId", &payment.order_id)
                .set("paymentId", &payment.payment_id)
                .set("paidAt", event.timestamp().to_string())
                .set("status", "paid")
                .add("paidMinorUnits", payment.amount.minor_units()),
        ))
    }
}
