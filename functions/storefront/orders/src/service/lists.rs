//! Lists of orders, from the views of orders.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join;
use onecommit_engine::{Query, TableReader};
use onecommit_http::ApiError;
use onecommit_views::{ControlError, InvalidViewName, ReadError, ViewControl, ViewName, ViewReader, ViewRows};
use tracing::error;

use crate::OrderStatus;
use crate::views::{
    CustomerStats, CustomerStatsView, Listed, OrderPlace, OrderSummary, OrderSummaryView, OrdersByCustomerView,
    OrdersByProductView, PlacedOrder, ProductOrder, ViewError,
};

/// The views that lists of orders are answered from, each in its active generation.
pub struct OrderLists {
    rows: Arc<dyn TableReader>,
    by_customer: ViewReader,
    by_product: ViewReader,
    summaries: ViewReader,
    stats: ViewReader,
}

/// Which orders are wanted.
pub(crate) struct Wanted {
    /// Only those that are there on their way.
    pub(crate) status: Option<OrderStatus>,
    /// Only those after this place.
    pub(crate) after: Option<OrderPlace>,
    /// The most that are shown.
    pub(crate) limit: usize,
}

/// A page of a list: orders, each with where it is.
pub(crate) struct Found<T> {
    pub(crate) orders: Vec<(T, Option<OrderSummary>)>,
    /// After which place the next page begins; `None` on the last.
    pub(crate) next: Option<OrderPlace>,
    /// Whether the search ended before it found enough orders, or that there are no more.
    pub(crate) is_incomplete: bool,
}

/// Orders that are looked at with one request when only some of them are wanted.
const LOOKED_AT: usize = 100;
/// Orders that are looked at for one page: ten requests.
const LOOKED_AT_MAX: usize = 500;

/// What a list holds.
pub(crate) trait InList: Sized + Send + Sync {
    /// A page of a query for them.
    fn page(rows: &dyn TableReader, query: &Query) -> impl Future<Output = Result<Listed<Self>, ViewError>> + Send;

    fn order_id(&self) -> &str;
    fn place(&self) -> &OrderPlace;
}

impl InList for PlacedOrder {
    async fn page(rows: &dyn TableReader, query: &Query) -> Result<Listed<Self>, ViewError> {
        OrdersByCustomerView::page(rows, query).await
    }

    fn order_id(&self) -> &str {
        &self.order_id
    }

    fn place(&self) -> &OrderPlace {
        &self.place
    }
}

impl InList for ProductOrder {
    async fn page(rows: &dyn TableReader, query: &Query) -> Result<Listed<Self>, ViewError> {
        OrdersByProductView::page(rows, query).await
    }

    fn order_id(&self) -> &str {
        &self.order_id
    }

    fn place(&self) -> &OrderPlace {
        &self.place
    }
}

/// An order whose summary has not arrived in its view yet has just been placed.
pub(crate) fn status_of(summary: Option<&OrderSummary>) -> OrderStatus {
    summary.map_or(OrderStatus::Created, |summary| summary.status)
}

impl OrderLists {
    /// From the views that `control` knows, read through `rows`. Which generations serve is looked up again when what is
    /// known is older than `refresh`.
    ///
    /// # Errors
    /// Never, as long as the views' names are names.
    pub fn new(rows: Arc<dyn TableReader>, control: ViewControl, refresh: Duration) -> Result<Self, InvalidViewName> {
        let by_customer = ViewReader::new(ViewName::new(OrdersByCustomerView::NAME)?, control, refresh);
        Ok(Self {
            rows,
            by_product: by_customer.beside(ViewName::new(OrdersByProductView::NAME)?),
            summaries: by_customer.beside(ViewName::new(OrderSummaryView::NAME)?),
            stats: by_customer.beside(ViewName::new(CustomerStatsView::NAME)?),
            by_customer,
        })
    }

    /// The orders of a customer, the newest first, and the sums over all of them, which no filter changes.
    pub(crate) async fn of_customer(
        &self,
        customer_id: &str,
        wanted: &Wanted,
    ) -> Result<(Found<PlacedOrder>, CustomerStats), ApiError> {
        let view = rows_of(&self.by_customer).await?;
        let first = OrdersByCustomerView::query(&view, customer_id, wanted.after.as_ref(), wanted.rows());
        try_join(self.search(first, wanted), self.stats_of(customer_id)).await
    }

    /// The orders that a product is in, the newest first.
    pub(crate) async fn of_product(&self, sku: &str, wanted: &Wanted) -> Result<Found<ProductOrder>, ApiError> {
        let view = rows_of(&self.by_product).await?;
        let first = OrdersByProductView::query(&view, sku, wanted.after.as_ref(), wanted.rows());
        self.search(first, wanted).await
    }

    async fn stats_of(&self, customer_id: &str) -> Result<CustomerStats, ApiError> {
        let view = rows_of(&self.stats).await?;
        CustomerStatsView::read(&*self.rows, &view, customer_id)
            .await
            .map_err(not_read)
    }

    /// Looks for one order more than are wanted. So there is a next page only if there is something on it - or if so many
    /// orders were looked at in vain that the search had to end.
    async fn search<T: InList>(&self, first: Query, wanted: &Wanted) -> Result<Found<T>, ApiError> {
        let summaries = rows_of(&self.summaries).await?;
        let mut orders: Vec<(T, Option<OrderSummary>)> = Vec::new();
        let (mut looked_at, mut last, mut query) = (0, None, Some(first));
        while let Some(current) = query {
            let listed = T::page(&*self.rows, &current).await.map_err(not_read)?;
            query = listed.next;
            looked_at += listed.rows.len();
            // Of the one order more only its being there is of interest, unless it has to have a status.
            let judged = match wanted.status {
                Some(_) => &listed.rows[..],
                None => &listed.rows[..listed.rows.len().min(wanted.limit - orders.len())],
            };
            let mut known = self.summaries_of(&summaries, judged).await?;
            for order in listed.rows {
                let summary = known.next().flatten();
                last = Some(order.place().clone());
                if wanted
                    .status
                    .is_some_and(|status| status != status_of(summary.as_ref()))
                {
                    continue;
                }
                if orders.len() == wanted.limit {
                    let next = orders.last().map(|(order, _)| order.place().clone());
                    return Ok(Found {
                        orders,
                        next,
                        is_incomplete: false,
                    });
                }
                orders.push((order, summary));
            }
            if wanted.status.is_some() && looked_at >= LOOKED_AT_MAX && query.is_some() {
                return Ok(Found {
                    orders,
                    next: last,
                    is_incomplete: true,
                });
            }
        }
        Ok(Found {
            orders,
            next: None,
            is_incomplete: false,
        })
    }

    async fn summaries_of<T: InList>(
        &self,
        view: &ViewRows,
        orders: &[T],
    ) -> Result<std::vec::IntoIter<Option<OrderSummary>>, ApiError> {
        let ids: Vec<&str> = orders.iter().map(InList::order_id).collect();
        let found = OrderSummaryView::read_many(&*self.rows, view, &ids).await;
        Ok(found.map_err(not_read)?.into_iter())
    }
}

impl Wanted {
    /// How many rows to ask for at once.
    fn rows(&self) -> u32 {
        let rows = match self.status {
            Some(_) => LOOKED_AT,
            None => self.limit + 1,
        };
        u32::try_from(rows).unwrap_or(u32::MAX)
    }
}

async fn rows_of(view: &ViewReader) -> Result<ViewRows, ApiError> {
    view.rows().await.map_err(|error| match error {
        ReadError::Control(ControlError::Database(error)) => error.into(),
        ReadError::NotBuilt(_) => ApiError::unavailable("the lists of orders are being built for the first time"),
        other => fault(&other),
    })
}

fn not_read(error: ViewError) -> ApiError {
    match error {
        ViewError::Database(error) => error.into(),
        other => fault(&other),
    }
}

fn fault(error: &(dyn std::error::Error + 'static)) -> ApiError {
    error!(error, "a list of orders cannot be read");
    ApiError::internal()
}

impl std::fmt::Debug for OrderLists {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OrderLists").finish_non_exhaustive()
    }
}
