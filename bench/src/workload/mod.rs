//! What the contestants are fed: order events, wrapped by SNS, in SQS batches of 10.

mod batch;
mod event;
mod source;

pub(crate) use batch::{Batch, Delivery, Kind};
pub(crate) use event::OrderCreated;
pub(crate) use source::Source;

/// Messages in each batch: what SQS hands to a function unless told otherwise.
pub(crate) const BATCH_SIZE: usize = 10;
