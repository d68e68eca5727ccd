//! What every context's API shares: each error is JSON, `{"error": code, "message": text}`, and a request to the database
//! that met passing trouble is tried again before the caller hears of it.
//!
//! ```
//! use axum::extract::Path;
//! use axum::routing::get;
//! use axum::{Json, Router};
//! use onecommit_api::ApiError;
//! use serde_json::{Value, json};
//!
//! async fn parcel(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
//!     match id.as_str() {
//!         "p-1" => Ok(Json(json!({"carrier": "DHL"}))),
//!         _ => Err(ApiError::not_found("unknownParcel", format!("there is no parcel {id}"))),
//!     }
//! }
//!
//! let api: Router = onecommit_api::json_errors(Router::new().route("/parcels/{id}", get(parcel)));
//! ```

mod error;
mod json_errors;
mod writes;

pub use error::ApiError;
pub use json_errors::json_errors;
pub use writes::WRITES;
