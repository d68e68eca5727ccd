//! Services that are asked with forms.

use std::collections::HashMap;

use super::{Names, Request, Unrecognised, unknown_operation};
use crate::call::{Call, Key};

fn form(request: &Request<'_>) -> HashMap<String, String> {
    form_urlencoded::parse(request.body).into_owned().collect()
}

pub(super) fn sns(request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let form = form(request);
    let field = |name: &str| form.get(name).map(String::as_str);
    let resource = match field("Action").unwrap_or_default() {
        "Publish" => field("TopicArn")
            .or(field("TargetArn"))
            // A phone number has no ARN.
            .or(field("PhoneNumber").map(|_| "*")),
        "PublishBatch" => field("TopicArn"),
        other => return Err(unknown_operation("sns", other)),
    };
    let resource =
        resource.ok_or_else(|| Unrecognised("a message to SNS names no topic, target or phone".to_owned()))?;
    Ok(vec![Call::new("sns:Publish", resource)])
}

pub(super) fn ses(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let form = form(request);
    match form.get("Action").map_or("", String::as_str) {
        "SendEmail" => {}
        other => return Err(unknown_operation("ses", other)),
    }
    let from = form
        .get("Source")
        .ok_or_else(|| Unrecognised("an e-mail has no `Source`".to_owned()))?;
    // `Name <address>` or the address alone.
    let address = from
        .rsplit_once('<')
        .map_or(from.as_str(), |(_, rest)| rest.trim_end_matches('>'));
    let identity = names.arn("ses", &format!("identity/{address}"));
    Ok(vec![
        Call::new("ses:SendEmail", identity).with(Key::FromAddress, [address]),
    ])
}
