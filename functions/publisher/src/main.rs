//! Lambda: takes events of producers from outside, and publishes to SNS and EventBridge, side by side, what they may say.

use std::process::ExitCode;

use onecommit_aws::{PublisherConfig, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_lambda::{Admission, PublisherApi};

const OUTSIDE_EVENT_TYPES: Setting = Setting::optional(
    "OUTSIDE_EVENT_TYPES",
    "",
    "Event types that producers from outside may publish, separated by commas; without it, none",
);
const OUTSIDE_USER_ID: Setting = Setting::optional(
    "OUTSIDE_USER_ID",
    "",
    "The `userId` of events that are published by direct invocation; without it they have none",
);

fn settings(reader: &mut Reader<'_>) -> (PublisherConfig, Admission) {
    let admission = reader
        .parsed(&OUTSIDE_EVENT_TYPES, Admission::of_types)
        .unwrap_or_default();
    let user_id = reader.text_if_set(&OUTSIDE_USER_ID);
    (PublisherConfig::read(reader), admission.with_direct_user_id(user_id))
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (config, admission)) = Wiring::of_function(settings)?;
        let publisher = config.publisher(&wiring.session, wiring.environment.clone());
        onecommit_lambda::serve_publisher(PublisherApi::new(admission, publisher, wiring.environment)).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Publisher", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
