//! Handlers that keep the storefront's views. They know no AWS type and run anywhere: in a Lambda function, in a
//! worker, in a test.
//!
//! [`OrdersView`] is kept by a consumer of its own. The others are kept by a projector and can be rebuilt from the store:
//! [`storefront`] gives them all.

mod also_bought;
mod daily_revenue;
mod fields;
mod order_summary;
mod orders;
mod orders_by_customer;

use std::sync::Arc;

use onecommit_engine::TableReader;
use onecommit_views::ViewDefinition;

pub use also_bought::{AlsoBoughtView, Companion};
pub use daily_revenue::{DailyRevenueView, DayRevenue};
pub use fields::ViewError;
pub use order_summary::{OrderSummary, OrderSummaryView};
pub use orders::OrdersView;
pub use orders_by_customer::{OrdersByCustomerView, PlacedOrder};

/// The views of the storefront that can be rebuilt. All of them are fed by the events of orders.
#[must_use]
pub fn storefront(rows: &Arc<dyn TableReader>) -> Vec<Arc<dyn ViewDefinition>> {
    vec![
        Arc::new(OrderSummaryView),
        Arc::new(OrdersByCustomerView),
        Arc::new(DailyRevenueView::new(Arc::clone(rows))),
        Arc::new(AlsoBoughtView),
    ]
}
