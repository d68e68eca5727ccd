//! An outside catalog, and the one place that speaks its language: its forms are translated here, and nothing else of this
//! context knows them.
//!
//! It is for processes and functions that answer readers. The catalog's own function does not call anybody.

mod forms;
mod supplier;
mod translation;

pub use supplier::{HttpSupplier, Offered, SUPPLIER, Supplier, SupplierError};
