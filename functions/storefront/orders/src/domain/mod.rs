//! Orders: what may be asked of them, what happens to them, and what that makes of them.
//!
//! ```text
//!               confirm               ship             deliver
//!    Created -----------> Confirmed -------> Shipped ----------> Delivered
//!       |                     |
//!       +------ cancel -------+-----> Cancelled
//! ```

mod commands;
mod decide;
mod rejection;
mod state;

pub use commands::{NewOrder, OrderCommand, OrderedLine};
pub use decide::Order;
pub use rejection::OrderRejection;
pub use state::{OrderState, OrderStatus};
