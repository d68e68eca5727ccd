//! Lambda: takes events of producers from outside, and publishes to SNS and EventBridge, side by side, what they may say.

mod config;

use std::process::ExitCode;

use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_lambda::PublisherApi;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let publisher = config.publisher.publisher(&config.session, environment.clone());
        onecommit_lambda::serve_publisher(PublisherApi::new(config.admission, publisher, environment)).await
    })
}
