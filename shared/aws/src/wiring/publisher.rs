use std::sync::Arc;

use onecommit_config::{Reader, Setting};
use onecommit_environment::Environment;
use onecommit_publish::{Destination, Publisher};

use crate::eventbridge::EventBus;
use crate::session::Session;
use crate::sns::SnsTopic;
use crate::wiring::payloads::PayloadsConfig;

const EVENTS_TOPIC_ARN: Setting =
    Setting::required("EVENTS_TOPIC_ARN", "ARN of the SNS topic that events are published to");
const FIFO_TOPIC_ARN: Setting = Setting::optional(
    "FIFO_TOPIC_ARN",
    "",
    "ARN of an SNS FIFO topic that events are published to as well, in order per aggregate",
);
const EVENT_BUS_NAME: Setting = Setting::required(
    "EVENT_BUS_NAME",
    "Name of the EventBridge bus that events are published to",
);
const EVENT_SOURCE: Setting = Setting::required(
    "EVENT_SOURCE",
    "The emitting service, EventBridge's `source`, for example `shop.orders`",
);
const CLAIM_CHECK_BUCKET: Setting = Setting::optional(
    "CLAIM_CHECK_BUCKET",
    "",
    "S3 bucket for payloads too large for a destination; without it, such events are refused",
);
const TOPIC_MESSAGE_BYTES_MAX: Setting = Setting::optional(
    "TOPIC_MESSAGE_BYTES_MAX",
    "262144",
    "Bytes the topic takes per message, its `MaximumMessageSize`; up to 1048576",
);

/// What a publisher needs to know, but for how to reach AWS.
#[derive(Clone, Debug)]
pub struct PublisherConfig {
    topic_arn: String,
    fifo_topic_arn: Option<String>,
    bus_name: String,
    source: String,
    payloads: PayloadsConfig,
    topic_message_bytes_max: usize,
}

impl PublisherConfig {
    /// Reads it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            topic_arn: reader.text(&EVENTS_TOPIC_ARN),
            fifo_topic_arn: reader.text_if_set(&FIFO_TOPIC_ARN),
            bus_name: reader.text(&EVENT_BUS_NAME),
            source: reader.text(&EVENT_SOURCE),
            payloads: PayloadsConfig::read(reader, &CLAIM_CHECK_BUCKET),
            topic_message_bytes_max: usize::try_from(reader.whole_number(&TOPIC_MESSAGE_BYTES_MAX, 1..=1_048_576))
                .unwrap_or(262_144),
        }
    }

    /// The publisher. Nothing is sent before the first event.
    #[must_use]
    pub fn publisher(self, session: &Session, environment: Environment) -> Publisher {
        let topic = |arn| Arc::new(SnsTopic::new(session, arn).taking(self.topic_message_bytes_max));
        let bus = EventBus::new(session, self.bus_name, self.source);
        let mut destinations: Vec<Arc<dyn Destination>> = vec![topic(self.topic_arn), Arc::new(bus)];
        if let Some(arn) = self.fifo_topic_arn {
            destinations.push(topic(arn));
        }
        let publisher = Publisher::new(destinations, environment);
        match self.payloads.store(session) {
            Some(payloads) => publisher.with_claim_checks(payloads),
            None => publisher,
        }
    }
}
