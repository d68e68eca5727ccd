//! The storefront's front door, a backend for its frontend: what a page asks for in one request, put together from the contexts'
//! APIs for the person who asks, and the pages themselves. It has no tables; what it shows and changes is the caller's own.
//!
//! `docs/front-door.md` in the repository says more.

mod api;
mod bff;
mod dashboard;
mod ordering;
mod owned;
mod pages;
mod request;
mod routes;
mod services;
mod session;
mod shown;
mod updates;

pub use bff::{Bff, BffSettings};
pub use services::{Addresses, InventoryFault, Services};
pub use session::{InvalidOrigin, LOCAL_USERS, LocalIssuer, Origin, Sessions};
pub use updates::Door;
