//! What happens when a function is deployed without what it needs.

use std::process::Command;

use crate::local_aws::bootstrap;

pub(super) async fn a_function_without_configuration_names_everything_that_is_missing_at_once() {
    let shared = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let consumer = [
        "CONSUMER_NAME",
        "LEDGER_TABLE_NAME",
        "VIEWS_TABLE_NAME",
        "CONSUMER_QUEUE_URL",
        "CONSUMER_DLQ_URL",
    ];
    let publisher = ["EVENTS_TOPIC_ARN", "EVENT_BUS_NAME", "EVENT_SOURCE"];
    for (function, own) in [("consumer", &consumer[..]), ("publisher", &publisher[..])] {
        let output = Command::new(bootstrap(function).unwrap()).env_clear().output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert_eq!(told.lines().count(), 1, "one error: {told}");
        for variable in shared.iter().chain(own) {
            assert!(told.contains(variable), "{function} does not name {variable}: {told}");
        }
    }
}
