//! The catalog's gRPC service: its messages, a client and the trait of a server, generated from `proto/catalog.proto`.
//!
//! `make proto` writes the code and the description anew; a test compares them with what is committed, so that nothing has to be
//! generated to build.

#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "it is generated"
)]
#[rustfmt::skip]
mod generated;

pub use generated::*;

/// What reflection serves: the proto file, compiled (`google.protobuf.FileDescriptorSet`).
pub const DESCRIPTION: &[u8] = include_bytes!("catalog.bin");
