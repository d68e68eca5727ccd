use super::json::{list, operation};
use super::{Names, Request, Unrecognised, unknown_operation};
use crate::call::Call;

pub(super) fn calls(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let (operation, body) = operation(request, "AWSEvents")?;
    if operation != "PutEvents" {
        return Err(unknown_operation("events", operation));
    }
    let mut buses = Vec::new();
    for entry in list(&body, "Entries")? {
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        let arn = match bus.starts_with("arn:") {
            true => bus.to_owned(),
            false => names.arn("events", &format!("event-bus/{bus}")),
        };
        if !buses.contains(&arn) {
            buses.push(arn);
        }
    }
    Ok(buses
        .into_iter()
        .map(|bus| Call::new("events:PutEvents", bus))
        .collect())
}
