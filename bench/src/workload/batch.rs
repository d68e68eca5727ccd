//! A batch as Lambda hands it to a function.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::workload::OrderCreated;

/// What a delivery is to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first of its event.
    Unique,
    /// Its event is in the same batch already.
    DuplicateInBatch,
    /// Its event came in an earlier batch.
    DuplicateOfEarlier,
}

/// One SQS message.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// What a batch item failure names.
    pub(crate) message_id: String,
    pub(crate) kind: Kind,
    pub(crate) event: Arc<OrderCreated>,
}

impl Delivery {
    pub(crate) fn new(event: &Arc<OrderCreated>, kind: Kind) -> Self {
        Self {
            message_id: Uuid::new_v4().to_string(),
            kind,
            event: Arc::clone(event),
        }
    }

    /// The message's body.
    pub(crate) fn body(&self) -> String {
        self.event.sns_notification().to_string()
    }

    fn to_record(&self) -> Value {
        json!({
            "messageId": self.message_id,
            "receiptHandle": format!("receipt-of-{}", self.message_id),
            "body": self.body(),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795330800000",
                "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
                "ApproximateFirstReceiveTimestamp": "1795330800010",
            },
            "messageAttributes": {},
            "md5OfBody": "00000000000000000000000000000000",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
            "awsRegion": "us-east-1",
        })
    }
}

/// Messages that come in one invocation.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) deliveries: Vec<Delivery>,
    /// The invocation's payload, made beforehand so that making it takes no measured time.
    pub(crate) payload: String,
}

impl Batch {
    pub(crate) fn of(deliveries: Vec<Delivery>) -> Self {
        let records: Vec<_> = deliveries.iter().map(Delivery::to_record).collect();
        Self {
            payload: json!({ "Records": records }).to_string(),
            deliveries,
        }
    }
}
