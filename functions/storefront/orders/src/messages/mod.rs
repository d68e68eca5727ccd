//! What the context says to others, and what it is asked: commands, events, replies.

mod commands;
mod events;

pub use commands::{
    CancelOrder, ConfirmOrder, CreateOrder, ORDER_REQUEST, OrderCancellationRequested, OrderRefused, OrderRequested,
    OrderUnchanged,
};
pub use events::{Line, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderEvent, OrderShipped};
