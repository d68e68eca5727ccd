//! The sagas of the storefront: work across its contexts that is done to its end or taken back.
//!
//! ```
//! use storefront_sagas::{Deadlines, order_saga};
//!
//! let saga = order_saga(&Deadlines::default())?;
//! let steps: Vec<&str> = saga.steps().collect();
//! assert_eq!(
//!     steps,
//!     ["create order", "reserve inventory", "take payment", "confirm order", "notify customer"]
//! );
//! # Ok::<(), onecommit_saga::DefinitionError>(())
//! ```

mod deadlines;
mod order;

pub use deadlines::Deadlines;
pub use order::{ORDER_SAGA, OrderSaga, order_saga};
