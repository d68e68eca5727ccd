//! The contexts' APIs as the front door uses them: one client each, and the parts of their answers that it needs.

mod addresses;
mod catalog;
mod health;
mod inventory;
mod moment;
mod notifications;
mod orders;
mod recommendations;
mod users;

use onecommit_client::CallError;

pub use addresses::{Addresses, Services};
pub(crate) use catalog::{Catalog, Product, Products};
pub use inventory::InventoryFault;
pub(crate) use inventory::{CATALOG_GRPC, Inventory};
pub(crate) use moment::Moment;
pub(crate) use notifications::{Notification, Notifications};
pub(crate) use orders::{CustomerOrders, Line, Listed, NewOrder, Order, Orders, Requested, Totals};
pub(crate) use recommendations::Recommendations;
pub(crate) use users::{User, Users};

/// What was asked for; nothing where the service knows no such thing.
fn found<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}
