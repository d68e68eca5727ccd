//! Runs the engine on Lambda: Lambda's events become deliveries, its deadline the engine's, verdicts a partial batch
//! response.

mod admission;
mod api;
mod batch;
mod consumer;
mod context;
mod deliveries;
mod incoming;
mod invocation;
mod projector;
mod publisher;
mod relay;
mod requests;
mod start;
mod sweeper;

pub use admission::{Admission, InvalidAdmission};
pub use api::{serve_api, serve_api_until};
pub use consumer::{handle_batch, serve_consumer};
pub use context::{ScheduledTask, no_tasks, serve_context, serve_context_until, unknown_task};
pub use deliveries::deliveries_of;
pub use invocation::Last;
pub use projector::serve_projector;
pub use publisher::{Answer, PublisherApi, serve_publisher};
pub use relay::{Failures, serve_relay};
pub use requests::serve_requests;
pub use start::start;
pub use sweeper::serve_sweeper;
