use onecommit_client::{CallContext, CallError, Client, segment};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storefront_money::{Currency, Money};

use super::found;
use super::moment::Moment;

/// The API of the context orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders(pub(super) Client);

/// A customer's orders: the newest, and sums over all of them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CustomerOrders {
    pub(crate) orders: Vec<Listed>,
    pub(crate) totals: Totals,
}

/// An order in a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) order_id: String,
    pub(crate) status: String,
    pub(crate) created_at: Moment,
}

/// Sums over all orders of a customer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Totals {
    pub(crate) orders: u64,
    pub(crate) pending: u64,
    /// One amount for each currency.
    pub(crate) spent: Vec<Money>,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) status: String,
    pub(crate) customer_id: String,
    pub(crate) items: Vec<Line>,
    pub(crate) total: Option<Money>,
    /// Why it was refused or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shipment: Option<Shipment>,
    /// The version of its stream; 0 as long as it is only requested.
    #[serde(default)]
    pub(crate) version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Moment>,
}

/// So many of one product, as it was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price_minor: i64,
}

/// How an order travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shipment {
    pub(crate) carrier: String,
    pub(crate) tracking_id: String,
}

/// An order to place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewOrder<'a> {
    pub(crate) order_id: &'a str,
    pub(crate) customer_id: &'a str,
    pub(crate) currency: Currency,
    pub(crate) payment_method: &'a str,
    pub(crate) items: Vec<Line>,
}

/// What an order was requested with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Requested {
    pub(crate) customer_id: String,
    pub(crate) items: Vec<Line>,
    pub(crate) total: Money,
    pub(crate) payment_method: String,
}

#[derive(Deserialize)]
struct Accepted {
    total: Money,
}

#[derive(Deserialize)]
struct History {
    events: Vec<Happened>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Happened {
    event_type: String,
    payload: Box<RawValue>,
}

const ORDER_REQUESTED: &str = "OrderRequested";

impl Orders {
    /// A customer's newest orders, and the sums over all.
    pub(crate) async fn of_customer(
        &self,
        customer: &str,
        count: usize,
        context: &CallContext,
    ) -> Result<CustomerOrders, CallError> {
        let path = format!("/orders?customerId={}&limit={count}", segment(customer));
        self.0.on_behalf_of(context).get(&path).without_cache().await
    }

    /// One order; nothing when there is none of this id.
    pub(crate) async fn order(&self, id: &str, context: &CallContext) -> Result<Option<Order>, CallError> {
        let path = format!("/orders/{}", segment(id));
        found(self.0.on_behalf_of(context).get(&path).without_cache().await)
    }

    /// What an order was requested with; nothing when nobody requested it.
    pub(crate) async fn requested(&self, id: &str, context: &CallContext) -> Result<Option<Requested>, CallError> {
        let path = format!("/orders/{}/events", segment(id));
        let history = self.0.on_behalf_of(context).get::<History>(&path).without_cache();
        let history = found(history.await)?;
        let events = history.into_iter().flat_map(|history| history.events);
        let mut requests = events.filter(|event| event.event_type == ORDER_REQUESTED);
        Ok(requests
            .next()
            .and_then(|request| onecommit_json::from_raw(&request.payload).ok()))
    }

    /// Places an order, once for each id. Gives what it costs in all, and whether it is new.
    pub(crate) async fn place(&self, order: &NewOrder<'_>, context: &CallContext) -> Result<(Money, bool), CallError> {
        let client = self.0.on_behalf_of(context);
        let call = client
            .post::<Accepted>("/orders", order)
            .idempotency_key(order.order_id);
        let answer = call.answer().await?;
        Ok((answer.value.total, answer.status == http::StatusCode::ACCEPTED))
    }
}
