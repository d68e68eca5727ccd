//! The catalog over gRPC: it reads, and writes nothing. `proto/catalog.proto` in `storefront-catalog-proto` says what is spoken.

mod answers;
mod forms;
mod server;

pub use server::{CATALOG_SCOPES, catalog_grpc};
