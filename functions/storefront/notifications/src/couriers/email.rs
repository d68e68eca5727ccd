use async_trait::async_trait;
use aws_sdk_ses::Client;
use aws_sdk_ses::error::BuildError;
use aws_sdk_ses::types::{Body, Content, Destination, Message};
use onecommit_aws::{RequestFailure, Session};
use storefront_notifications::{Courier, DeliveryError, Parcel};

/// Sends e-mails from one address, as plain text. SES knows no idempotency key, and cannot tell what became of a request
/// whose answer was lost.
#[derive(Clone, Debug)]
pub(crate) struct SesEmail {
    client: Client,
    sender: String,
}

impl SesEmail {
    /// E-mails from `sender`, an address or domain that is verified in SES. Nothing is sent before the first delivery.
    pub(crate) fn new(session: &Session, sender: String) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
            sender,
        }
    }
}

#[async_trait]
impl Courier for SesEmail {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        let message = message(parcel).map_err(|error| DeliveryError::Refused(error.to_string()))?;
        let to = Destination::builder().to_addresses(&parcel.recipient).build();
        let request = self.client.send_email().source(&self.sender);
        let sent = request.destination(to).message(message).send().await;
        let sent = sent.map_err(|error| of_request(error.into()))?;
        Ok(sent.message_id().to_owned())
    }
}

fn message(parcel: &Parcel) -> Result<Message, BuildError> {
    let content = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(content(&parcel.message.text)?).build();
    let subject = content(&parcel.message.subject)?;
    Ok(Message::builder().subject(subject).body(body).build())
}

/// <https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html#API_SendEmail_Errors>
fn of_request(failure: RequestFailure) -> DeliveryError {
    let is_one_of = |code: &str, known: &[&str]| known.iter().any(|known| code.starts_with(known));
    let description = failure.code_only();
    match failure.code.as_deref() {
        Some(code) if is_one_of(code, &["MessageRejected", "InvalidParameterValue", "ValidationError"]) => {
            DeliveryError::Refused(description)
        }
        // It says that something went wrong, not what.
        Some(code) if is_one_of(code, &["InternalFailure", "InternalError"]) => DeliveryError::Unknown(description),
        // Throttling, permissions, a sender that is not verified: nothing was sent, and somebody can do something about it.
        Some(_) => DeliveryError::NotSent(description),
        None if failure.never_sent => DeliveryError::Refused(description),
        None => DeliveryError::Unknown(description),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Option<&str>, never_sent: bool) -> DeliveryError {
        of_request(match never_sent {
            true => RequestFailure::never_sent(),
            false => RequestFailure::of(code),
        })
    }

    #[test]
    fn what_is_known_of_a_delivery_that_failed_is_never_more_than_ses_said() {
        assert!(matches!(
            failure(Some("MessageRejected"), false),
            DeliveryError::Refused(_)
        ));
        assert!(matches!(failure(Some("Throttling"), false), DeliveryError::NotSent(_)));
        assert!(matches!(
            failure(Some("InternalFailure"), false),
            DeliveryError::Unknown(_)
        ));
        assert!(matches!(failure(None, false), DeliveryError::Unknown(_)));
        assert!(matches!(failure(None, true), DeliveryError::Refused(_)));
    }
}
