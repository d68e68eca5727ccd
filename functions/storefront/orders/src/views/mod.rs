//! Views of what happens to orders. A projector keeps them; whoever may read the views table reads them.

mod also_bought;
mod customer_stats;
mod daily_revenue;
mod facts;
mod fields;
mod order_summary;
mod orders_by_customer;
mod orders_by_product;
mod place;
mod shards;

pub use also_bought::{AlsoBoughtView, Companion};
pub use customer_stats::{CustomerStats, CustomerStatsView};
pub use daily_revenue::{DailyRevenueView, DayRevenue};
pub use fields::{Listed, ViewError};
pub use order_summary::{OrderSummary, OrderSummaryView};
pub use orders_by_customer::{OrdersByCustomerView, PlacedOrder};
pub use orders_by_product::{OrdersByProductView, ProductOrder};
pub use place::{InvalidPlace, OrderPlace};
