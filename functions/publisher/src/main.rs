//! Lambda: validates events and publishes them to SNS and EventBridge, side by side.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_eventbridge::EventBus;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sns::SnsTopic;
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_lambda::PublisherApi;
use onecommit_publish::{Destination, Publisher};

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let topic = |arn| Arc::new(SnsTopic::new(&config.session, arn).taking(config.topic_message_bytes_max));
        let bus = EventBus::new(&config.session, config.bus_name, config.source);
        let mut destinations: Vec<Arc<dyn Destination>> = vec![topic(config.topic_arn), Arc::new(bus)];
        if let Some(arn) = config.fifo_topic_arn {
            destinations.push(topic(arn));
        }
        let mut publisher = Publisher::new(destinations, environment.clone());
        if let Some(bucket) = config.claim_check_bucket {
            publisher = publisher.with_claim_checks(Arc::new(S3Payloads::new(config.session, bucket)));
        }
        onecommit_lambda::serve_publisher(PublisherApi::new(publisher, environment)).await
    })
}
