//! Event-driven message workers on AWS. Handling a message is one commit.
//!
//! A handler is ordinary Rust. It gets a typed event and returns a [`Commit`]: what shall change. The engine lands it
//! in one DynamoDB transaction together with the record that the message was handled, so a copy of the message that
//! comes later changes nothing.
//!
//! ```
//! use onecommit::{Commit, Consumer, Event, Failure, Key, Payload, Table};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct PaymentProcessed {
//!     customer: String,
//!     cents: i64,
//! }
//!
//! impl Payload for PaymentProcessed {
//!     const EVENT_TYPE: &'static str = "PaymentProcessed";
//! }
//!
//! async fn add_points(event: Event<PaymentProcessed>) -> Result<Commit, Failure> {
//!     let payment = event.payload();
//!     if payment.cents <= 0 {
//!         return Err(Failure::reject("a payment adds something"));
//!     }
//!     let row = Key::new("pk", payment.customer.as_str());
//!     Ok(Commit::of(Table::new("points").update(row).add("points", payment.cents / 100)))
//! }
//!
//! let consumer = Consumer::named("loyalty").atomic(add_points);
//! # use onecommit_testing::{TestConsumer, an_event};
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! # let kit = TestConsumer::new(consumer);
//! # let paid = an_event("Payment", "pay_1", PaymentProcessed { customer: "cus_7".into(), cents: 2_500 });
//! # kit.receive(&[&paid, &paid]).await;
//! # assert_eq!(kit.row("points", &["cus_7"]).unwrap()["points"].as_i64(), Some(25));
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Failure`] says what is to become of a message that could not be handled: parked for good, or back to the queue for
//! later. [`lambda::serve_consumer`] runs an [`Engine`] with such a consumer as a Lambda function on an SQS queue,
//! [`worker::Worker`] as a process without Lambda.
//!
//! This crate only gathers what a consumer or a publisher of your own needs; each part has its own crate.

pub use onecommit_commit::*;
pub use onecommit_environment::{Environment, Timestamp};
pub use onecommit_event::{Aggregate, Event, EventId, Metadata, Payload};
pub use onecommit_publish::{Published, Publisher};

/// Settings from environment variables; everything that is missing or wrong is told at once.
pub mod config {
    pub use onecommit_config::{ConfigError, Process, Reader, Setting, Variables};
}

/// Running as a Lambda function.
pub mod lambda {
    pub use onecommit_lambda::{Admission, PublisherApi, serve_consumer, serve_projector, serve_publisher, start};
}

/// Views of the store's events, and rebuilding them while they serve.
pub mod projection {
    pub use onecommit_projection::*;
}

/// Running as a long-polling process, in a container or anywhere else.
pub mod worker {
    pub use onecommit_worker::{Drained, Monitor, Numbers, Settings, Source, SourceError, Worker};
}

/// Queues, tables, topics and buses on AWS, and the session their clients share.
pub mod aws {
    pub use onecommit_aws_dynamodb::DynamoDb;
    pub use onecommit_aws_eventbridge::EventBus;
    pub use onecommit_aws_session::Session;
    pub use onecommit_aws_sns::SnsTopic;
    pub use onecommit_aws_sqs::SqsQueue;
}

/// Logs and metrics, as JSON lines on standard output.
pub mod telemetry {
    pub use onecommit_telemetry::{LogLevel, init, read_level};
}
