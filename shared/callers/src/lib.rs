//! Routers of axum that know their callers, for processes: what an authorizer does in front of an API of API Gateway.
//!
//! ```
//! use std::sync::Arc;
//! use axum::{Extension, Router, routing::get};
//! use onecommit_callers::{Guard, identified};
//! use onecommit_tokens::{Authenticator, Principal, Routes};
//!
//! async fn parcel(Extension(principal): Extension<Principal>) -> String {
//!     format!("for {}", principal.subject())
//! }
//!
//! # fn guarded(callers: Authenticator) -> Result<Router, onecommit_tokens::InvalidRoutes> {
//! let api = Router::new().route("/parcels/{id}", get(parcel));
//! let routes = Routes::parse("GET /parcels/{id} parcels:read")?;
//! # Ok(
//! identified(api, Guard::new(callers, routes, "parcels"))
//! # )
//! # }
//! ```
//!
//! Around it, `onecommit_http::limited` inside holds API keys to their rates: `identified(limited(api, limits), guard)`.

mod guard;
mod headers;
mod problem;
#[cfg(feature = "published-keys")]
mod published_keys;
#[cfg(feature = "service-tokens")]
mod service_tokens;

pub use guard::{Guard, identified};
pub use problem::problem_of;
#[cfg(feature = "published-keys")]
pub use published_keys::PublishedKeys;
#[cfg(feature = "service-tokens")]
pub use service_tokens::ServiceTokens;
