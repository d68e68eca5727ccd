use async_trait::async_trait;
use onecommit_client::{CallError, Client, Trouble, segment};
use serde::de::DeserializeOwned;
use storefront_money::Money;

use super::forms::{Cancellation, Intent, Intents, NewCancellation, NewIntent};
use crate::{Found, PaymentId, PaymentProvider, ProviderError, ProviderOutcome, Terms, VoidAnswer};

/// The provider's name in errors and logs.
pub const PROVIDER: &str = "payment-provider";

/// A provider of payments outside, over HTTP.
///
/// The payment's id is its reference there, and the idempotency key of each request: whatever is sent again, by the client
/// or with a command that is redelivered, takes or returns money once.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    client: Client,
}

impl HttpProvider {
    /// The provider that this client calls. Answers of `GET` are asked for anew each time, whatever the client keeps.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn intent(&self, payment: &PaymentId) -> Result<Option<Intent>, ProviderError> {
        let path = format!("/intents?reference={}", segment(payment.as_str()));
        let asked = self.client.get::<Intents>(&path).without_cache();
        let found = asked.await.map_err(failure)?;
        Ok(found
            .intents
            .into_iter()
            .find(|intent| intent.reference == payment.as_str()))
    }

    async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        body: &(impl serde::Serialize + Sync),
        key: String,
    ) -> Result<T, ProviderError> {
        let call = self.client.post::<T>(path, body).idempotency_key(&key);
        call.await.map_err(failure)
    }
}

#[async_trait]
impl PaymentProvider for HttpProvider {
    async fn capture(&self, payment: &PaymentId, terms: &Terms) -> Result<ProviderOutcome, ProviderError> {
        let intent = NewIntent {
            reference: payment.as_str(),
            amount: terms
                .amount
                .to_decimal()
                .map_err(|error| ProviderError::Refused(format!("amount: {error}")))?,
            currency: terms.amount.currency().to_string(),
            payer: &terms.customer_id,
            instrument: &terms.method,
        };
        let intent: Intent = self.ask("/intents", &intent, payment.to_string()).await?;
        if intent.terms(payment).map_err(unclear)? != *terms {
            return Err(ProviderError::Refused(format!(
                "{payment} was requested before on other terms"
            )));
        }
        intent.outcome().map_err(unclear)
    }

    async fn refund(&self, payment: &PaymentId) -> Result<Money, ProviderError> {
        let unknown = || ProviderError::Refused(format!("{payment} is not known, so nothing can go back"));
        let intent = self.intent(payment).await?.ok_or_else(unknown)?;
        let path = format!("/intents/{}/refund", segment(&intent.id));
        let refunded: Intent = self
            .ask(&path, &serde_json::json!({}), format!("{payment}-refund"))
            .await?;
        match refunded.status.as_str() {
            "refunded" => refunded.amount().map_err(unclear),
            _ => Err(ProviderError::Refused(format!(
                "the money of {payment} was not returned"
            ))),
        }
    }

    async fn void(&self, payment: &PaymentId) -> Result<VoidAnswer, ProviderError> {
        let reference = payment.as_str();
        let cancellation = NewCancellation { reference };
        let answer: Cancellation = self
            .ask("/cancellations", &cancellation, format!("{payment}-void"))
            .await?;
        match (answer.status.as_str(), answer.intent) {
            ("canceled", _) => Ok(VoidAnswer::GivenUp),
            ("succeeded", Some(intent)) => Ok(VoidAnswer::Captured(intent.terms(payment).map_err(unclear)?)),
            _ => Err(unclear(super::translation::Untranslatable::Word("status"))),
        }
    }

    async fn find(&self, payment: &PaymentId) -> Result<Option<Found>, ProviderError> {
        let intent = self.intent(payment).await?;
        intent.map(|intent| intent.found(payment).map_err(unclear)).transpose()
    }
}

/// An answer that is not understood leaves open what was done: the provider is asked again, until somebody has seen to it.
/// Nothing is declined because of it.
fn unclear(error: super::translation::Untranslatable) -> ProviderError {
    ProviderError::NoAnswer(Box::new(error))
}

/// What the provider refuses stays refused. All else may pass: an outage, an answer of another form, and a key that the
/// provider does not accept, which is no fault of this payment.
fn failure(error: CallError) -> ProviderError {
    let is_refused = match error.trouble() {
        Trouble::Status(refusal) => matches!(refusal.status.as_u16(), 400 | 404 | 409 | 410 | 422),
        Trouble::InvalidRequest(_) => true,
        _ => false,
    };
    if is_refused {
        ProviderError::Refused(error.to_string())
    } else {
        ProviderError::NoAnswer(Box::new(error))
    }
}
