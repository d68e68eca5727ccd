//! Event-driven message workers on AWS. Handling a message is one commit.
//!
//! A handler is ordinary Rust. It gets a typed event and returns a [`Commit`]: the changes to make. The engine sends it
//! as one DynamoDB transaction together with the record that the message was handled, so a later copy of the message
//! changes nothing.
//!
//! ```
//! use onecommit::{Commit, Consumer, Event, Failure, Key, Payload, Table};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelShipped { carrier: String }
//!
//! impl Payload for ParcelShipped {
//!     const EVENT_TYPE: &'static str = "ParcelShipped";
//! }
//!
//! async fn parcel_shipped(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
//!     let parcels = Table::new("parcels");
//!     let row = Key::of_view(event.aggregate().to_string(), "status");
//!     Ok(Commit::of(parcels.update(row).set("carrier", &event.payload().carrier)))
//! }
//!
//! let consumer = Consumer::named("parcel-view").atomic(parcel_shipped);
//! ```
//!
//! Its test runs the engine on tables in memory:
//!
//! ```
//! # use onecommit::{Commit, Consumer, Event, Failure, Key, Payload, Table, Verdict};
//! # use onecommit_testing::{TestConsumer, an_event};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct ParcelShipped { carrier: String }
//! # impl Payload for ParcelShipped { const EVENT_TYPE: &'static str = "ParcelShipped"; }
//! # async fn parcel_shipped(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
//! #     let row = Key::of_view(event.aggregate().to_string(), "status");
//! #     Ok(Commit::of(Table::new("parcels").update(row).set("carrier", &event.payload().carrier)))
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let shipped = an_event("Parcel", "p-1", ParcelShipped { carrier: "DHL".into() });
//! let kit = TestConsumer::new(Consumer::named("parcel-view").atomic(parcel_shipped));
//! assert_eq!(kit.receive(&[&shipped, &shipped]).await, [Verdict::Done, Verdict::Duplicate]);
//! assert!(kit.row("parcels", &["Parcel#p-1", "status"]).is_some());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Failure`] decides what happens to a message that could not be handled: it is parked, or redelivered later. `lambda::serve_consumer` runs an [`Engine`] with such a consumer as a Lambda function on an SQS queue,
//! `worker::Worker` as a process without Lambda.
//!
//! # Features
//!
//! Without features, this crate is the engine and events, all that a handler needs:
//!
//! | feature | what it brings |
//! |---|---|
//! | `testing` | [`testing`]: a consumer on tables in memory; a `[dev-dependencies]` feature |
//! | `simulation` | [`simulation`]: a consumer under every schedule of crashes and disorder; with `testing` |
//! | `settings` | [`config`] and [`telemetry`]: settings from environment variables, logs and metrics |
//! | `lambda` | [`lambda`]: Lambda functions; with `settings` |
//! | `worker` | [`worker`]: a long-polling process; with `settings` |
//! | `aws` | [`aws`]: tables in DynamoDB, queues in SQS, from a consumer's settings; with `settings` |
//! | `aws-s3` | a bucket for payloads that are too large for a message |
//! | `aws-credentials` | credentials of a process that is not a Lambda function |
//! | `aws-publish` | topics and buses to publish to; with `publish` |
//! | `aws-cloudmap` | finding services in AWS Cloud Map; with `client` |
//! | `aws-circuits` | circuits that processes share, by settings; with `resilience` |
//! | `aws-signed` | calling APIs of API Gateway that ask for IAM; with `client` |
//! | `aws-kms` | KMS around the keys of personal data; with `sealing` |
//! | `client` | [`client`]: calling other services over HTTP |
//! | `discovery` | [`discovery`]: finding services by DNS; for processes, with `client` |
//! | `graph` | [`graph`]: a gateway for federated GraphQL; with `client` |
//! | `grpc` | [`grpc`]: calling services over gRPC, and serving them; for processes, with `client` |
//! | `publish` | [`publish`]: a publisher |
//! | `event-store` | [`event_store`]: aggregates from their events |
//! | `saga` | [`saga`]: processes over several services |
//! | `views` | [`views`]: read models that can be rebuilt while they serve |
//! | `relay` | [`relay`]: the outbox, from the table of events to topics and buses |
//! | `resilience` | [`resilience`]: retries with a budget, circuit breakers, rate limits, bulkheads, hedging |
//! | `sealing` | [`sealing`]: personal data that can be forgotten |
//! | `operator` | [`operator`]: a command line for those who run a service; with `aws`, `event-store` and `views` |
//! | `callers` | [`callers`]: routers of axum that know their callers; with `tokens` |
//! | `tokens` | [`tokens`]: who calls: service tokens, user sessions and API keys |
//!
//! This crate re-exports what a service needs; each part has its own crate.

pub use onecommit_engine::*;
pub use onecommit_environment::{Environment, Timestamp};
pub use onecommit_event::{Aggregate, Event, EventId, Metadata, NewEvent, Payload};

/// Claim checks: payloads that are too large for a message, stored elsewhere.
pub mod claim_check {
    pub use onecommit_event::claim_check::*;
}

/// Routers of axum that know their callers.
#[cfg(feature = "callers")]
pub mod callers {
    pub use onecommit_callers::*;
}

/// Settings from environment variables; everything that is missing or wrong is reported at once.
#[cfg(feature = "settings")]
pub mod config {
    pub use onecommit_config::*;
}

/// Calling other services: typed answers, one time limit over all attempts, a response cache, instances that are found.
#[cfg(feature = "client")]
pub mod client {
    pub use onecommit_client::*;
}

/// Finding services by DNS.
#[cfg(feature = "discovery")]
pub mod discovery {
    pub use onecommit_discovery_dns::*;
}

/// Federated GraphQL: one schema over several subgraphs.
#[cfg(feature = "graph")]
pub mod graph {
    pub use onecommit_graph::*;
}

/// gRPC: a client that survives its downstream, and a server for processes.
#[cfg(feature = "grpc")]
pub mod grpc {
    pub use onecommit_grpc::*;
}

/// Running as a Lambda function.
#[cfg(feature = "lambda")]
pub mod lambda {
    pub use onecommit_lambda::*;
}

/// Aggregates from their events.
#[cfg(feature = "event-store")]
pub mod event_store {
    pub use onecommit_event_store::*;
}

/// A command line for those who run a service.
#[cfg(feature = "operator")]
pub mod operator {
    pub use onecommit_operator::*;
}

/// Publishing events in batches, with a report for each.
#[cfg(feature = "publish")]
pub mod publish {
    pub use onecommit_publish::*;
}

/// The outbox: publishing what commits have appended, in the order of each aggregate.
#[cfg(feature = "relay")]
pub mod relay {
    pub use onecommit_relay::*;
}

/// Calls that survive a downstream that does not: retries, circuit breakers, rate limits, bulkheads, hedging.
#[cfg(feature = "resilience")]
pub mod resilience {
    pub use onecommit_resilience::*;
}

/// Processes over several services that are completed or undone.
#[cfg(feature = "saga")]
pub mod saga {
    pub use onecommit_saga::*;
}

/// Personal data that can be forgotten: sealed with a key for each person.
#[cfg(feature = "sealing")]
pub mod sealing {
    pub use onecommit_sealing::*;
}

/// Who calls, and what they may do: service tokens, user sessions and API keys.
#[cfg(feature = "tokens")]
pub mod tokens {
    pub use onecommit_tokens::*;
}

/// Views of the store's events, and rebuilding them while they serve.
#[cfg(feature = "views")]
pub mod views {
    pub use onecommit_views::*;
}

/// Running as a long-polling process, in a container or anywhere else.
#[cfg(feature = "worker")]
pub mod worker {
    pub use onecommit_worker::*;
}

/// Queues, tables, topics, buses, buckets and keys on AWS, the session their clients share, and all of it from settings.
#[cfg(feature = "aws")]
pub mod aws {
    pub use onecommit_aws::*;
}

/// Logs and metrics, as JSON lines on standard output.
#[cfg(feature = "settings")]
pub mod telemetry {
    pub use onecommit_telemetry::*;
}

/// Consumers and whole systems under every schedule of crashes, lost answers, copies and disorder, for tests.
#[cfg(feature = "simulation")]
pub mod simulation {
    pub use onecommit_simulation::*;
}

/// Consumers on tables in memory, for tests.
#[cfg(feature = "testing")]
pub mod testing {
    pub use onecommit_testing::*;
}
