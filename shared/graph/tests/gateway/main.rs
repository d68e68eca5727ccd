//! The gateway in front of the museum: four subgraphs, in this process, over routers.

#![allow(clippy::unwrap_used, reason = "tests")]

mod batches;
mod corpus;
mod failures;
mod limits;
mod museum;
mod over_http;
#[path = "../../examples/museum/subgraphs/mod.rs"]
mod subgraphs;
mod supergraph;
