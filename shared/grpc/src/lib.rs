//! gRPC: calling services and serving them, by the rules that hold for HTTP.
//!
//! A [`GrpcClient`] makes every call within one time limit over all attempts, out of a budget of retries and behind a circuit
//! breaker, and says who calls, on whose account and until when. Its errors name the service, the attempt and what is wrong
//! ([`GrpcError`]). What is spoken is the generated code's: a call is a closure that uses the generated client.
//!
//! `server` (feature `server`) is a process around generated services: health and reflection, limits, deadlines, callers and an
//! end that drains.
//!
//! `docs/grpc.md` in the repository says more, with the table of codes and errors.

mod client;
mod codes;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "transport")]
pub use client::Http2Transport;
pub use client::{
    Channel, GrpcClient, GrpcError, GrpcRefusal, GrpcSettings, GrpcTransport, GrpcTrouble, InvalidOrigin, Messages,
};
#[cfg(feature = "server")]
pub use codes::status_of;
pub use codes::{REASON_DOMAIN, failure_of, refusal_with};
