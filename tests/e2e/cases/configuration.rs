//! What happens when a function is deployed without what it needs.

use std::process::Command;

use crate::local_aws::{bootstrap, workspace};

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

pub(super) async fn a_deployment_without_credentials_says_so_before_anything_is_built() {
    let path = std::env::var_os("PATH").unwrap();
    let mut make = Command::new("make");
    make.current_dir(workspace()).args(["deploy", "STAGE=dev"]);
    // Nobody's home, and no request to an instance's metadata.
    make.env_clear()
        .env("PATH", path)
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    for (region, missing) in [
        (None, "no AWS region is configured"),
        (Some("eu-central-1"), "no AWS credentials were found"),
    ] {
        if let Some(region) = region {
            make.env("AWS_REGION", region);
        }
        let output = make.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(missing), "{told}");
        let done = String::from_utf8_lossy(&output.stdout);
        assert!(!done.contains("cargo lambda"), "it began to build: {done}");
    }
}
