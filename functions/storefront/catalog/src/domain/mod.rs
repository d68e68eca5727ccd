//! Catalog: products with their prices, their stock, and the reservations that orders hold on it.
//!
//! Stock is four numbers, and moves only between them: `start = available + held + confirmed`.
//!
//! ```text
//! start ──> available ──reserve──> held ──order confirmed──> confirmed
//!               ^                    │
//!               └─ released, expired ┘
//! ```

mod lines;
mod offer;
mod product;
mod reservation;
mod sku;
mod stock;

pub use lines::{Line, Lines, PRODUCTS_MAX, QUANTITY_MAX};
pub use offer::Offer;
pub use product::{Description, Price, ProductError};
pub use reservation::{Ask, Impossible, ReservationState, Said, Step, step};
pub use sku::{Sku, SkuError};
pub use stock::{Stock, StockChange, StockMove};

#[cfg(feature = "openapi")]
pub(crate) use product::Draft;
