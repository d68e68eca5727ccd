use std::collections::BTreeMap;

use super::json::{list, operation};
use super::{Names, Request, Unrecognised, unknown_operation};
use crate::call::{Call, Key};

pub(super) fn calls(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let (operation, body) = operation(request, "AWSEvents")?;
    if operation != "PutEvents" {
        return Err(unknown_operation("events", operation));
    }
    // By the bus; with the values of all entries that go there.
    let mut buses: BTreeMap<String, Call> = BTreeMap::new();
    for entry in list(&body, "Entries")? {
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        let arn = match bus.starts_with("arn:") {
            true => bus.to_owned(),
            false => names.arn("events", &format!("event-bus/{bus}")),
        };
        let new = || Call::new("events:PutEvents", arn.clone());
        let call = buses.entry(arn.clone()).or_insert_with(new);
        for (key, name) in [(Key::EventSource, "Source"), (Key::DetailType, "DetailType")] {
            let values = call.keys.entry(key).or_default();
            values.extend(entry[name].as_str().map(str::to_owned));
            values.dedup();
        }
    }
    Ok(buses.into_values().collect())
}
