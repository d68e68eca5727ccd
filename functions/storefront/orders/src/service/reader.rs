use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join;
use onecommit_engine::{DatabaseError, EventLog, Key, Query, TableReader};
use onecommit_environment::Timestamp;
use onecommit_views::{ControlError, InvalidViewName, ReadError, ViewControl, ViewName, ViewReader, ViewRows};
use storefront_money::Money;
use tracing::error;

use crate::service::lists::status_of;
use crate::service::order;
use crate::views::{OrderPlace, OrderSummary, OrderSummaryView, OrdersByCustomerView, PlacedOrder, ViewError};
use crate::{Line, OrderCreated, OrderStatus};

/// Orders that were placed, for what reads them and writes nothing: from their first events, which say what was ordered and never
/// change, and from the views of orders, which say where each is on its way.
pub struct OrderReader {
    rows: Arc<dyn TableReader>,
    log: EventLog,
    by_customer: ViewReader,
    summaries: ViewReader,
}

/// An order that was placed.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOrder {
    /// The order.
    pub order_id: String,
    /// Who placed it.
    pub customer_id: String,
    /// Where it is on its way.
    pub status: OrderStatus,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
    /// When it was placed.
    pub created_at: Timestamp,
}

/// Orders of a customer, from the newest on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerOrders {
    /// Their ids, each with its place in the list.
    pub orders: Vec<(String, OrderPlace)>,
    /// After which place there may be more; `None` at the end.
    pub next: Option<OrderPlace>,
}

/// Why orders could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderReadError {
    /// A table did not answer, or refuses to.
    #[error("the tables of orders did not answer")]
    Database(#[from] DatabaseError),
    /// A view is being built for the first time.
    #[error("a view of orders is being built for the first time")]
    NotBuilt,
    /// A row is not as this context writes it.
    #[error("a row of orders cannot be read; the log names it")]
    Corrupt,
}

/// The most rows that are read with one request.
const PAGE_ROWS: u32 = 101;
/// The most orders of a customer that are looked at in search of those that products are in: ten requests.
const LOOKED_AT_MAX: usize = 1_000;

impl OrderReader {
    /// From the events in `log` and the views that `control` knows, read through `rows`. Which generations serve is looked up
    /// again when what is known is older than `refresh`.
    ///
    /// # Errors
    /// Never, as long as the views' names are names.
    pub fn new(
        rows: Arc<dyn TableReader>,
        log: EventLog,
        control: ViewControl,
        refresh: Duration,
    ) -> Result<Self, InvalidViewName> {
        let by_customer = ViewReader::new(ViewName::new(OrdersByCustomerView::NAME)?, control, refresh);
        Ok(Self {
            rows,
            log,
            summaries: by_customer.beside(ViewName::new(OrderSummaryView::NAME)?),
            by_customer,
        })
    }

    /// Those of these orders that were placed, in their order. Two requests for a hundred of them. An event that cannot be read
    /// is in the log; it does not hide the others.
    ///
    /// # Errors
    /// See [`OrderReadError`].
    pub async fn orders(&self, order_ids: &[&str]) -> Result<Vec<ReadOrder>, OrderReadError> {
        let summaries = async {
            let view = rows_of(&self.summaries).await?;
            let read = OrderSummaryView::read_many(&*self.rows, &view, order_ids).await;
            read.map_err(not_read)
        };
        let (placed, summaries) = try_join(self.placed(order_ids), summaries).await?;
        let both = placed.into_iter().zip(&summaries);
        Ok(both
            .filter_map(|(order, summary)| Some(with_status(order?, summary.as_ref())))
            .collect())
    }

    /// The newest orders of a customer, after a place or from the newest on: at most `count`, and at most 100. One request.
    ///
    /// # Errors
    /// See [`OrderReadError`].
    pub async fn of_customer(
        &self,
        customer_id: &str,
        after: Option<&OrderPlace>,
        count: usize,
    ) -> Result<CustomerOrders, OrderReadError> {
        let view = rows_of(&self.by_customer).await?;
        let count = count.clamp(1, PAGE_ROWS as usize - 1);
        let rows = u32::try_from(count + 1).unwrap_or(PAGE_ROWS);
        let mut query = Some(OrdersByCustomerView::query(&view, customer_id, after, rows));
        let mut found = CustomerOrders::default();
        while let Some(page) = self.page(query.take()).await? {
            for order in page.0 {
                if found.orders.len() == count {
                    found.next = found.orders.last().map(|(_, place)| place.clone());
                    return Ok(found);
                }
                found.orders.push((order.order_id, order.place));
            }
            query = page.1;
        }
        Ok(found)
    }

    /// The newest orders of a customer that each of these products is in, at most `count` for each: one pass over the customer's
    /// orders for all products, a request for a hundred orders. It ends after 1,000 orders; then `next` says where to go on.
    ///
    /// # Errors
    /// See [`OrderReadError`].
    pub async fn of_customer_with(
        &self,
        customer_id: &str,
        skus: &[&str],
        after: Option<&OrderPlace>,
        count: usize,
    ) -> Result<BTreeMap<String, CustomerOrders>, OrderReadError> {
        let view = rows_of(&self.by_customer).await?;
        let mut found: BTreeMap<String, CustomerOrders> = BTreeMap::new();
        for sku in skus {
            found.entry((*sku).to_owned()).or_default();
        }
        let mut looked_at = 0;
        let mut query = Some(OrdersByCustomerView::query(&view, customer_id, after, PAGE_ROWS));
        while let Some((orders, next)) = self.page(query.take()).await? {
            looked_at += orders.len();
            let last = orders.last().map(|order| order.place.clone());
            for order in orders {
                for sku in &order.products {
                    let Some(of_product) = found.get_mut(sku) else { continue };
                    of_product.take(&order, count);
                }
            }
            if found.values().all(|of_product| of_product.next.is_some()) {
                break;
            }
            if looked_at >= LOOKED_AT_MAX && next.is_some() {
                let unfinished = found.values_mut().filter(|of_product| of_product.next.is_none());
                unfinished.for_each(|of_product| of_product.next.clone_from(&last));
                break;
            }
            query = next;
        }
        Ok(found)
    }

    async fn page(&self, query: Option<Query>) -> Result<Option<(Vec<PlacedOrder>, Option<Query>)>, OrderReadError> {
        let Some(query) = query else { return Ok(None) };
        let page = OrdersByCustomerView::page(&*self.rows, &query)
            .await
            .map_err(not_read)?;
        Ok(Some((page.rows, page.next)))
    }

    /// What the first event of each order says, in the place of its id.
    async fn placed(&self, order_ids: &[&str]) -> Result<Vec<Option<ReadOrder>>, OrderReadError> {
        let streams = order_ids.iter().map(|id| order(id).ok());
        let keys: Vec<Option<Key>> = streams
            .map(|stream| stream.map(|stream| EventLog::key(&stream, 1)))
            .collect();
        let known: Vec<Key> = keys.iter().flatten().cloned().collect();
        let mut rows = self.rows.get_many(self.log.table(), &known).await?.into_iter();
        // What is not the id of a stream is nobody's order.
        let rows = keys.iter().map(|key| key.as_ref().and_then(|_| rows.next().flatten()));
        Ok(rows.map(|row| row.as_ref().and_then(first_event)).collect())
    }
}

impl CustomerOrders {
    /// One more order, of which the list is full or has a next one from now on.
    fn take(&mut self, order: &PlacedOrder, count: usize) {
        if self.next.is_some() {
            return;
        }
        if self.orders.len() == count {
            self.next = self.orders.last().map(|(_, place)| place.clone());
            return;
        }
        self.orders.push((order.order_id.clone(), order.place.clone()));
    }
}

fn first_event(row: &onecommit_engine::Item) -> Option<ReadOrder> {
    let read = EventLog::event_in(row).and_then(|event| event.decode::<OrderCreated>());
    let event = read
        .inspect_err(|error| error!(error = %error, "order was left out: its first event cannot be read"))
        .ok()?;
    let (order_id, created_at) = (event.aggregate().id().to_owned(), event.timestamp());
    let created = event.into_payload();
    Some(ReadOrder {
        order_id,
        customer_id: created.customer_id,
        status: OrderStatus::Created,
        lines: created.items,
        total: created.total,
        created_at,
    })
}

fn with_status(order: ReadOrder, summary: Option<&OrderSummary>) -> ReadOrder {
    ReadOrder {
        status: status_of(summary),
        ..order
    }
}

async fn rows_of(view: &ViewReader) -> Result<ViewRows, OrderReadError> {
    view.rows().await.map_err(|error| match error {
        ReadError::Control(ControlError::Database(error)) => OrderReadError::Database(error),
        ReadError::NotBuilt(_) => OrderReadError::NotBuilt,
        other => corrupt(&other),
    })
}

fn not_read(error: ViewError) -> OrderReadError {
    match error {
        ViewError::Database(error) => OrderReadError::Database(error),
        other => corrupt(&other),
    }
}

fn corrupt(error: &(dyn std::error::Error + 'static)) -> OrderReadError {
    error!(error, "a view of orders cannot be read");
    OrderReadError::Corrupt
}

impl std::fmt::Debug for OrderReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OrderReader").finish_non_exhaustive()
    }
}
