//! The storefront's views. The handlers know no AWS type and run anywhere: in a Lambda function, in a worker, in a test.
//!
//! A view that is computed from the events of one bounded context is in the crate of that context. Here are those that span
//! contexts, and the list of all: [`OrdersView`], of orders and payments, is kept by a consumer of its own. The others are
//! kept by a projector and can be rebuilt from the store: [`storefront`] gives them all.

mod orders;

use std::sync::Arc;

use onecommit_engine::TableReader;
use onecommit_views::ViewDefinition;

pub use orders::OrdersView;
pub use storefront_orders::views::{
    AlsoBoughtView, Companion, CustomerStats, CustomerStatsView, DailyRevenueView, DayRevenue, InvalidPlace, Listed,
    OrderPlace, OrderSummary, OrderSummaryView, OrdersByCustomerView, OrdersByProductView, PlacedOrder, ProductOrder,
    ViewError,
};

/// The views of the storefront that can be rebuilt. All of them are fed by the events of orders.
#[must_use]
pub fn storefront(rows: &Arc<dyn TableReader>) -> Vec<Arc<dyn ViewDefinition>> {
    vec![
        Arc::new(OrderSummaryView),
        Arc::new(OrdersByCustomerView),
        Arc::new(OrdersByProductView),
        Arc::new(CustomerStatsView::new(Arc::clone(rows))),
        Arc::new(DailyRevenueView::new(Arc::clone(rows))),
        Arc::new(AlsoBoughtView),
    ]
}
