use async_trait::async_trait;
use aws_sdk_sns::Client;
use onecommit_aws::{RequestFailure, Session};
use storefront_notifications::{Channel, Courier, DeliveryError, Parcel};

/// Sends text messages to phone numbers and push messages to apps' endpoints. SNS knows no idempotency key for them, and
/// cannot tell what became of a request whose answer was lost.
#[derive(Clone, Debug)]
pub(crate) struct SnsDirect {
    client: Client,
}

impl SnsDirect {
    /// Nothing is sent before the first delivery.
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
        }
    }
}

#[async_trait]
impl Courier for SnsDirect {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        let request = self.client.publish().message(&parcel.message.text);
        let request = match parcel.channel {
            Channel::Sms => request.phone_number(&parcel.recipient),
            Channel::Push => request.target_arn(&parcel.recipient),
            Channel::Email => {
                return Err(DeliveryError::Refused(
                    "SNS does not send e-mail to an address".to_owned(),
                ));
            }
        };
        let sent = request.send().await.map_err(|error| of_request(error.into()))?;
        Ok(sent.message_id.unwrap_or_default())
    }
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors>
fn of_request(failure: RequestFailure) -> DeliveryError {
    let is_one_of = |code: &str, known: &[&str]| known.iter().any(|known| code.starts_with(known));
    let refusals = [
        "InvalidParameter",
        "ParameterValueInvalid",
        "EndpointDisabled",
        "NotFound",
        "PlatformApplicationDisabled",
    ];
    let description = failure.code_only();
    match failure.code.as_deref() {
        Some(code) if is_one_of(code, &refusals) => DeliveryError::Refused(description),
        // It says that something went wrong, not what.
        Some(code) if is_one_of(code, &["InternalError", "InternalFailure"]) => DeliveryError::Unknown(description),
        Some(_) => DeliveryError::NotSent(description),
        None if failure.never_sent => DeliveryError::Refused(description),
        None => DeliveryError::Unknown(description),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_delivery_that_failed_is_never_more_than_sns_said() {
        let failure = |code: Option<&str>| of_request(RequestFailure::of(code));
        assert!(matches!(failure(Some("EndpointDisabled")), DeliveryError::Refused(_)));
        assert!(matches!(failure(Some("Throttled")), DeliveryError::NotSent(_)));
        assert!(matches!(failure(Some("InternalError")), DeliveryError::Unknown(_)));
        assert!(matches!(failure(None), DeliveryError::Unknown(_)));
    }
}
