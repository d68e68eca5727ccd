use super::json::{operation, text};
use super::{Names, Request, Unrecognised, unknown_operation};
use crate::call::Call;

/// Batches have no actions of their own: what each entry does is granted once for the queue.
const ACTIONS: [(&str, &str); 8] = [
    ("SendMessage", "sqs:SendMessage"),
    ("SendMessageBatch", "sqs:SendMessage"),
    ("ReceiveMessage", "sqs:ReceiveMessage"),
    ("DeleteMessage", "sqs:DeleteMessage"),
    ("DeleteMessageBatch", "sqs:DeleteMessage"),
    ("ChangeMessageVisibility", "sqs:ChangeMessageVisibility"),
    ("ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("GetQueueAttributes", "sqs:GetQueueAttributes"),
];

pub(super) fn calls(names: &Names<'_>, request: &Request<'_>) -> Result<Vec<Call>, Unrecognised> {
    let (operation, body) = operation(request, "AmazonSQS")?;
    let action = ACTIONS.iter().find(|(known, _)| *known == operation);
    let (_, action) = action.ok_or_else(|| unknown_operation("sqs", operation))?;
    let url = text(&body, "QueueUrl")?;
    let mut parts = url.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(queue), Some(account)) if account == names.account.id => {
            Ok(vec![Call::new(*action, names.arn("sqs", queue))])
        }
        _ => Err(Unrecognised(format!(
            "`{url}` is not the URL of a queue of this account"
        ))),
    }
}
