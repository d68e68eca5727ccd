//! A gateway for federated GraphQL: one schema over several subgraphs (Federation 2).
//!
//! ```
//! use std::sync::Arc;
//! use onecommit_client::{Address, Client, ClientSettings};
//! use onecommit_environment::Environment;
//! use onecommit_graph::{Caller, Clients, Gateway, GraphSettings, Supergraph, routes};
//! # use axum::{Json, Router, routing::post};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let transport = Router::new().route("/graphql", post(|| async { Json(serde_json::json!({"data": {}})) }));
//! # let composed = include_str!("../tests/museum/supergraph.graphql");
//! let environment = Environment::system();
//! let supergraph = Supergraph::parse(composed)?;
//! let mut clients = Clients::new(environment.clone());
//! for (name, _) in supergraph.subgraphs() {
//!     let address = Address::fixed(name, &format!("https://{name}.example"))?;
//!     let client = Client::new(transport.clone(), address, ClientSettings::default(), environment.clone());
//!     clients = clients.with(name, client, "/graphql");
//! }
//! let gateway = Gateway::new(supergraph, Arc::new(clients), GraphSettings::default(), environment)?;
//! let router = routes(Arc::new(gateway), Arc::new(|_| Caller::default()));
//! # let _: Router = router;
//! # Ok(()) }
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `supergraph`, `schema` | read what a composer made of the subgraphs |
//! | `query` | from a text to a plan: read within limits, measured, validated, planned by `hive-router-query-planner` |
//! | `execute` | carries the plan out: which subgraph is asked for what, and where its answers belong |
//! | `project` | the answer in the order of the query, each value as its type says; errors where values are missing |
//! | `http` | GraphQL over HTTP as an axum router |
//!
//! Subgraphs are asked through [`Subgraphs`]; [`Clients`] does it with an `onecommit_client::Client` each, whose limits, retries,
//! circuit and identity hold for a subgraph as for any other service.
//!
//! `docs/graph.md` in the repository says more.

mod caller;
mod codes;
mod error;
mod execute;
mod gateway;
mod http;
mod limits;
mod possible_types;
mod project;
mod query;
mod schema;
mod settings;
mod subgraphs;
mod supergraph;

pub use self::http::{Callers, routes};
pub use caller::Caller;
pub use error::{GraphError, Segment};
pub use gateway::{Gateway, GraphAnswer, GraphRequest, Operations, UnknownSubgraphs};
pub use limits::GraphLimits;
pub use query::{TrustedDocuments, TrustedDocumentsError};
pub use settings::GraphSettings;
pub use subgraphs::{Clients, Source, SubgraphError, SubgraphRequest, Subgraphs};
pub use supergraph::{Supergraph, SupergraphError};
