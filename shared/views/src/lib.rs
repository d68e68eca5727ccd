//! Handlers that keep the storefront's views. They know no AWS type and run anywhere: in a Lambda function, in a
//! worker, in a test.

mod orders;

pub use orders::OrdersView;
