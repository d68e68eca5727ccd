//! The library's ports on AWS, and what functions and processes are made of there.
//!
//! | module | what it is |
//! |---|---|
//! | [`session`] | what every client shares: region, endpoints, credentials, time limits |
//! | [`dynamodb`] | tables |
//! | [`sqs`] | queues and their dead-letter queues |
//! | [`wiring`] | settings, read the same way wherever they are needed, and the clients made from them |
//! | `sns`, `eventbridge` | topics and buses to publish to; feature `publisher` |
//! | `s3` | payloads that are too large for a message; feature `s3` |
//! | `cloudmap` | instances of services in AWS Cloud Map; feature `cloudmap` |
//! | `kms` | keys around the keys of personal data; feature `kms` |
//! | `signed` | calls to APIs that ask for IAM; feature `signed` |
//! | `credentials` | who a process is that is not a Lambda function; feature `credentials` |
//!
//! Only what is asked for by a feature is compiled: each client costs a function megabytes and a longer cold start.

#[cfg(feature = "cloudmap")]
pub mod cloudmap;
#[cfg(feature = "credentials")]
pub mod credentials;
pub mod dynamodb;
#[cfg(feature = "publisher")]
pub mod eventbridge;
#[cfg(feature = "kms")]
pub mod kms;
#[cfg(feature = "s3")]
pub mod s3;
pub mod session;
#[cfg(feature = "signed")]
pub mod signed;
#[cfg(feature = "publisher")]
pub mod sns;
pub mod sqs;
pub mod wiring;

#[cfg(feature = "cloudmap")]
pub use cloudmap::CloudMap;
pub use dynamodb::DynamoDb;
#[cfg(feature = "publisher")]
pub use eventbridge::EventBus;
#[cfg(feature = "kms")]
pub use kms::{KEYS_KEPT_FOR, KmsKeyWrap, sealer};
#[cfg(feature = "s3")]
pub use s3::S3Payloads;
pub use session::{RequestFailure, Session};
#[cfg(feature = "signed")]
pub use signed::SignedCaller;
#[cfg(feature = "publisher")]
pub use sns::SnsTopic;
pub use sqs::SqsQueue;
pub use wiring::*;
