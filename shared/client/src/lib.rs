//! Calling other services over HTTP. An answer is a typed value, or an error that says which service, which attempt, and
//! what is wrong where.
//!
//! ```
//! use onecommit_client::{Address, Client, ClientSettings, segment};
//! use onecommit_environment::Environment;
//! # use axum::{Json, Router, routing::get};
//! # use serde_json::{Value, json};
//!
//! #[derive(serde::Deserialize)]
//! struct Price { cents: u32 }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let transport = Router::new()
//! #     .route("/v1/prices/tea%20pot", get(|| async { Json(json!({"cents": "many"})) }))
//! #     .route("/v1/prices/{id}", get(|| async { Json(json!({"cents": 1250})) }));
//! let address = Address::fixed("prices", "https://prices.example/v1")?;
//! let prices = Client::new(transport, address, ClientSettings::default(), Environment::system());
//! let price: Price = prices.get(&format!("/prices/{}", segment("teapot"))).await?;
//! assert_eq!(price.cents, 1250);
//! # Ok(()) }
//! ```
//!
//! `transport` is any `tower` service of `http` requests: `HttpTransport` (feature `transport`) over TCP, an `axum::Router`
//! in a test. Around it, from the outside in:
//!
//! | step | what it does |
//! |---|---|
//! | cache | answers `GET` from what it keeps, has one request for callers of the same, and stands in for a service that is not working, marked as stale |
//! | retries | three attempts within one time limit, out of a budget; only what may be sent twice |
//! | circuit, bulkhead | where they are set: sends nothing while the service does not work, and not too much at once |
//! | address | an instance for each attempt, and what became of it there |
//! | limit | ends an attempt that takes too long |
//! | stamp | deadline, attempt, and who is calling |
//! | wire | sends, reads within the limits, follows no redirect, and refuses what is not JSON |
//!
//! `docs/calls.md` and `docs/discovery.md` in the repository say more.

mod answer;
mod attempt_limit;
mod cache;
mod call;
mod caller;
mod client;
mod consul;
mod context;
mod describe;
mod discovery;
mod error;
mod exchange;
mod headers;
mod identity;
mod limits;
mod path;
mod retried;
mod settings;
mod stamp;
mod target;
mod traces;
mod transport;
mod trouble;
mod wire;

pub use answer::{Answer, Origin};
pub use cache::CacheSettings;
pub use call::Call;
pub use client::Client;
pub use consul::Consul;
pub use context::{CORRELATION_ID, CallContext, TRACEPARENT, TRACESTATE};
#[cfg(feature = "transport")]
pub use discovery::Lookup;
pub use discovery::{
    Balance, Discover, DiscoverError, DiscoverySettings, Ejection, FixedInstances, Found, Health, Instance, Instances,
    InstancesHealth, NoHealthyInstances, Picked,
};
pub use error::CallError;
pub use headers::{IDEMPOTENCY_KEY, REQUEST_DEADLINE, RETRY_ATTEMPT};
pub use identity::{API_KEY, ApiKey, Identity, IdentityError};
pub use limits::Limits;
pub use onecommit_resilience::{
    Bulkhead, Circuit, CircuitSettings, CircuitSettingsFault, Deadline, ProcessCircuits, RetryBudget, RetryPolicy,
    Stopped,
};
pub use path::segment;
pub use settings::ClientSettings;
pub use target::{Address, AddressError};
pub use transport::{Body, Transport, TransportError};
#[cfg(feature = "transport")]
pub use transport::{CLIENT_CA_BUNDLE, HttpTransport, RootCertificates};
pub use trouble::{Cause, InvalidRequest, Refusal, Trouble};
