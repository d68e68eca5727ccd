//! What every context's API shares: each error is a problem of RFC 9457 that also has `error`, a code, and `message`; a
//! request's body is read by the rules of [`onecommit_json`]; and versions are entity tags.
//!
//! ```
//! use axum::extract::Path;
//! use axum::Router;
//! use axum::routing::get;
//! use onecommit_http::{ApiError, Json};
//! use serde_json::{Value, json};
//!
//! async fn parcel(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
//!     match id.as_str() {
//!         "p-1" => Ok(Json(json!({"carrier": "DHL"}))),
//!         _ => Err(ApiError::not_found("unknownParcel", format!("there is no parcel {id}"))),
//!     }
//! }
//!
//! let api: Router = onecommit_http::json_errors(Router::new().route("/parcels/{id}", get(parcel)));
//! ```

mod body;
mod caller;
mod error;
pub mod health;
pub mod incoming;
mod json_errors;
mod limits;
pub mod openapi;
mod pages;
mod preconditions;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "rates")]
mod rates;

pub use body::Json;
pub use caller::Caller;
pub use error::{ApiError, PROBLEM_JSON};
pub use json_errors::json_errors;
pub use limits::check_text;
pub use pages::page_limit;
pub use preconditions::{Preconditions, with_version};
#[cfg(feature = "rates")]
pub use rates::limited;
