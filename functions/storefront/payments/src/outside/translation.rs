//! The provider's forms as values of this context.

use storefront_money::{Currency, DecimalError, Money};

use super::forms::Intent;
use crate::{Found, PaymentId, ProviderOutcome, Terms};

/// An answer that is well-formed, and yet says nothing that this context understands. It names the field, and no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Untranslatable {
    #[error("{0}: the word is unknown")]
    Word(&'static str),
    #[error("currency: it is not an ISO 4217 code")]
    Currency,
    #[error("amount: {0}")]
    Amount(DecimalError),
    #[error("reference: it is another payment's")]
    Reference,
}

impl Intent {
    /// Of a payment that was refunded: that its money was taken.
    pub(super) fn outcome(&self) -> Result<ProviderOutcome, Untranslatable> {
        match self.status.as_str() {
            "succeeded" | "refunded" => Ok(ProviderOutcome::Captured),
            "declined" => Ok(ProviderOutcome::Declined),
            "canceled" => Ok(ProviderOutcome::Voided),
            _ => Err(Untranslatable::Word("status")),
        }
    }

    pub(super) fn amount(&self) -> Result<Money, Untranslatable> {
        let currency = Currency::new(&self.currency.to_ascii_uppercase()).map_err(|_| Untranslatable::Currency)?;
        let text = self.amount.get();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        Money::of_decimal(text, currency).map_err(Untranslatable::Amount)
    }

    pub(super) fn terms(&self, payment: &PaymentId) -> Result<Terms, Untranslatable> {
        let is_same = self.reference == payment.as_str();
        let order_id = payment
            .order_id()
            .filter(|_| is_same)
            .ok_or(Untranslatable::Reference)?;
        Ok(Terms {
            order_id: order_id.to_owned(),
            customer_id: self.payer.clone(),
            amount: self.amount()?,
            method: self.instrument.clone(),
        })
    }

    pub(super) fn found(&self, payment: &PaymentId) -> Result<Found, Untranslatable> {
        Ok(Found {
            terms: Some(self.terms(payment)?),
            outcome: self.outcome()?,
        })
    }
}
