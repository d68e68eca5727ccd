//! Descriptions of APIs in OpenAPI 3.1: generated from the code, committed, and served as they are.

#[cfg(feature = "openapi")]
mod committed;
#[cfg(feature = "openapi")]
mod common;
mod served;

#[cfg(feature = "openapi")]
pub use committed::assert_committed;
#[cfg(feature = "openapi")]
pub use common::described;
pub use served::served;
