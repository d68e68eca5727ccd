use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Condition, Consumer, Failure, FirstTries, Key, Table, TableReader, Value};
use onecommit_event::Event;
use storefront_orders::OrderCreated;
use storefront_payments::PaymentProcessed;

/// One row per order: `pk` = `order#<id>`, `sk` = `summary`, with what was ordered and what has been paid; and one per
/// payment, `sk` = `payment#<id>`.
///
/// Events of an order and of its payments come in any order, so each changes only attributes that the other leaves
/// alone, and none needs the row to be there. A payment counts once, also when another event tells of it again.
/// `paidMinorUnits` adds up what was paid in the currency of the first payment, `paidMinorUnits#<currency>` what was paid in
/// another one.
#[derive(Clone)]
pub struct OrdersView(Arc<Inner>);

struct Inner {
    rows: Arc<dyn TableReader>,
    views: Table,
    tries: FirstTries,
}

const PAID: &str = "paidMinorUnits";
const PAID_CURRENCY: &str = "paidCurrency";

impl OrdersView {
    /// The view in the table `views`, read through `rows`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>, views: Table) -> Self {
        let tries = FirstTries::default();
        Self(Arc::new(Inner { rows, views, tries }))
    }

    /// A consumer of this name that keeps the view.
    #[must_use]
    pub fn consumer(self, name: impl Into<String>) -> Consumer {
        Consumer::named(name)
            .atomic::<OrderCreated, _>(self.clone())
            .atomic::<PaymentProcessed, _>(self)
    }

    /// That the payment is new, and in the order's currency, is a condition of the commit.
    fn counted(&self, event: &Event<PaymentProcessed>, paid: &str) -> Commit {
        let payment = event.payload();
        let currency = payment.amount.currency().to_string();
        let amount = [
            ("minorUnits".to_owned(), Value::from(payment.amount.minor_units())),
            ("currency".to_owned(), (&currency).into()),
            ("paidAt".to_owned(), event.timestamp().to_string().into()),
        ];
        let known = self.0.views.put(payment_key(payment), amount).only_if_absent();
        let summary = self
            .0
            .views
            .update(summary_key(&payment.order_id))
            .set("orderId", &payment.order_id)
            .set("paymentId", &payment.payment_id)
            .set("paidAt", event.timestamp().to_string())
            .set("status", "paid")
            .add(paid, payment.amount.minor_units());
        let summary = match paid {
            PAID => {
                let first = Condition::absent(PAID_CURRENCY);
                let same = first.or(Condition::equals(PAID_CURRENCY, currency.as_str()));
                summary.set(PAID_CURRENCY, currency).only_if(same)
            }
            _ => summary,
        };
        Commit::of(known).with(summary)
    }
}

fn summary_key(order_id: &str) -> Key {
    Key::of_view(format!("order#{order_id}"), "summary")
}

fn payment_key(payment: &PaymentProcessed) -> Key {
    let payment_id = &payment.payment_id;
    Key::of_view(format!("order#{}", payment.order_id), format!("payment#{payment_id}"))
}

impl Atomic<OrderCreated> for OrdersView {
    async fn handle(&self, event: Event<OrderCreated>) -> Result<Commit, Failure> {
        let order = event.payload();
        Ok(Commit::of(
            self.0
                .views
                .update(summary_key(event.aggregate().id()))
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
        if self.0.tries.is_first(event.id()) {
            return Ok(self.counted(&event, PAID));
        }
        let (rows, views, payment) = (&self.0.rows, &self.0.views, event.payload());
        if rows.get(views, &payment_key(payment)).await?.is_some() {
            return Ok(Commit::nothing());
        }
        let summary = rows.get(views, &summary_key(&payment.order_id)).await?;
        let before = summary
            .as_ref()
            .and_then(|row| row.get(PAID_CURRENCY))
            .and_then(Value::as_str);
        let currency = payment.amount.currency().to_string();
        let paid = match before {
            Some(before) if before != currency => format!("{PAID}#{currency}"),
            _ => PAID.to_owned(),
        };
        Ok(self.counted(&event, &paid))
    }
}

impl std::fmt::Debug for OrdersView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OrdersView").finish_non_exhaustive()
    }
}
