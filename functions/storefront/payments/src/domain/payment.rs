use std::fmt;

use onecommit_event::{Aggregate, EventError};
use storefront_money::{Currency, Money};

use crate::{DeclineReason, ProviderOutcome};

/// The identity of a payment. It follows from the order's, so that an order has one payment however often it is asked
/// for; and it is the key under which the provider knows it, so that the money is taken once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentId(String);

/// What was agreed: who pays how much with what for which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The order.
    pub order_id: String,
    /// Who pays.
    pub customer_id: String,
    /// How much.
    pub amount: Money,
    /// With what.
    pub method: String,
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The provider has not been asked, or has not answered.
    Created,
    /// The money was taken.
    Captured,
    /// It was not, and will not be.
    Declined(DeclineReason),
    /// It was given up before money was taken; none will be.
    Voided,
    /// The money went back.
    Refunded,
}

/// A payment, as far as anybody knows.
///
/// ```text
///           ask provider                  ask provider
/// created ─ (capturing) ─┬─ captured ─── (refunding) ── refunded
///    │                   └─ declined ─┐
///    └────────── refund asked ────────┴─ voided
/// ```
/// Capturing and refunding are not states of their own: while the provider is asked, the command is on its way, and it
/// comes back until the answer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What was agreed; nothing when it was voided before anybody asked for the money.
    pub terms: Option<Terms>,
    /// How far it has come.
    pub status: Status,
}

/// What to do when the money is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCapture {
    /// Ask the provider for it.
    AskProvider,
    /// It was taken before.
    Captured,
    /// It will not be taken.
    Declined(DeclineReason),
}

/// What to do when the money is to go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefund {
    /// Nobody here knows of any: have the provider give the payment up, which tells whether it took some.
    VoidAtProvider,
    /// The provider took none; note that none shall be.
    Void,
    /// Have the provider give it back.
    RefundAtProvider(Money),
    /// It went back before, so much of it.
    Settled(Money),
}

/// What to do when the provider tells, unasked, what became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAnswer {
    /// It is news.
    Settle,
    /// It is known.
    Known,
    /// It is not what is known here: a person has to look at both sides.
    Disagreement,
}

/// A text of the terms is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTerms(&'static str);

/// The order's payment was asked for before, on other terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    order_id: String,
    earlier: Money,
    now: Money,
}

impl Terms {
    /// The longest customer's id and method, in bytes: both become part of keys.
    pub const TEXT_BYTES_MAX: usize = 512;

    /// Whether nobody but a person can do something about them.
    ///
    /// # Errors
    /// Names the text that is empty or too long.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        let is_valid = |text: &str| (1..=Self::TEXT_BYTES_MAX).contains(&text.len());
        match (is_valid(&self.customer_id), is_valid(&self.method)) {
            (false, _) => Err(InvalidTerms("customerId")),
            (_, false) => Err(InvalidTerms("method")),
            _ => Ok(()),
        }
    }
}

/// What precedes the order's id.
const PREFIX: &str = "pay_";

impl PaymentId {
    /// The payment of an order.
    #[must_use]
    pub fn of_order(order_id: &str) -> Self {
        Self(format!("{PREFIX}{order_id}"))
    }

    /// The order.
    #[must_use]
    pub fn order_id(&self) -> Option<&str> {
        self.0.strip_prefix(PREFIX)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream of its events.
    ///
    /// # Errors
    /// When the order's id is empty, too long or holds a control character.
    pub fn stream(&self) -> Result<Aggregate, EventError> {
        Aggregate::new("Payment", &self.0)
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Payment {
    /// One that nobody knows of yet.
    #[must_use]
    pub fn created() -> Self {
        Self {
            terms: None,
            status: Status::Created,
        }
    }

    /// What to do when the money is asked for on these terms.
    ///
    /// # Errors
    /// When it was asked for before on other terms. Nothing may follow from that: if money was taken, saying that none
    /// was would be wrong, and so would saying that this much was.
    pub fn on_capture(&self, terms: &Terms) -> Result<OnCapture, Contradiction> {
        if let Some(earlier) = self.terms.as_ref().filter(|earlier| *earlier != terms) {
            return Err(Contradiction {
                order_id: terms.order_id.clone(),
                earlier: earlier.amount,
                now: terms.amount,
            });
        }
        Ok(match self.status {
            Status::Created if terms.amount.minor_units() <= 0 => OnCapture::Declined(DeclineReason::InvalidAmount),
            Status::Created => OnCapture::AskProvider,
            Status::Captured => OnCapture::Captured,
            Status::Declined(reason) => OnCapture::Declined(reason),
            Status::Voided => OnCapture::Declined(DeclineReason::Voided),
            Status::Refunded => OnCapture::Declined(DeclineReason::Refunded),
        })
    }

    /// What to do when the money is to go back.
    #[must_use]
    pub fn on_refund(&self) -> OnRefund {
        let amount = self.terms.as_ref().map(|terms| terms.amount);
        match self.status {
            Status::Created => OnRefund::VoidAtProvider,
            Status::Declined(_) => OnRefund::Void,
            Status::Captured => amount.map_or(OnRefund::VoidAtProvider, OnRefund::RefundAtProvider),
            Status::Voided => OnRefund::Settled(amount.map_or_else(nothing, |amount| Money::new(0, amount.currency()))),
            Status::Refunded => OnRefund::Settled(amount.unwrap_or_else(nothing)),
        }
    }

    /// What to do when the provider tells, unasked, what became of the payment.
    #[must_use]
    pub fn on_answer(&self, terms: &Terms, outcome: ProviderOutcome) -> OnAnswer {
        let same_terms = self.terms.as_ref().is_none_or(|known| known == terms);
        match (self.status, outcome) {
            (Status::Created, _) => OnAnswer::Settle,
            (Status::Captured | Status::Refunded, ProviderOutcome::Captured) if same_terms => OnAnswer::Known,
            (Status::Declined(_) | Status::Voided, ProviderOutcome::Declined | ProviderOutcome::Voided) => {
                OnAnswer::Known
            }
            _ => OnAnswer::Disagreement,
        }
    }

    /// The payment after the provider was asked for the money on these terms and said this.
    #[must_use]
    pub fn answered(terms: Terms, outcome: ProviderOutcome) -> Self {
        let status = match outcome {
            ProviderOutcome::Captured => Status::Captured,
            ProviderOutcome::Declined => Status::Declined(DeclineReason::DeclinedByProvider),
            ProviderOutcome::Voided => Status::Voided,
        };
        Self {
            terms: Some(terms),
            status,
        }
    }

    /// The payment on its way to another status, on the same terms.
    #[must_use]
    pub fn now(self, status: Status) -> Self {
        Self { status, ..self }
    }
}

/// No money, in no currency: ISO 4217 has the code XXX for that.
#[must_use]
pub fn nothing() -> Money {
    Money::new(0, Currency::NONE)
}

impl fmt::Display for Contradiction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "the payment of this order was requested before on other terms; an order has one payment: refund it, or \
             place another order",
        )
    }
}

impl std::error::Error for Contradiction {}

impl fmt::Display for InvalidTerms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(field) = self;
        let most = Terms::TEXT_BYTES_MAX;
        write!(formatter, "{field}: it has to be 1 to {most} bytes")
    }
}

impl std::error::Error for InvalidTerms {}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(minor_units: i64) -> Terms {
        Terms {
            order_id: "ord_1".into(),
            customer_id: "cus_1".into(),
            amount: Money::new(minor_units, Currency::new("EUR").unwrap()),
            method: "card".into(),
        }
    }

    fn payment(status: Status) -> Payment {
        Payment {
            terms: Some(terms(2_500)),
            status,
        }
    }

    #[test]
    fn the_provider_is_asked_for_money_only_while_nobody_knows_of_an_answer() {
        let declined = |reason| Ok(OnCapture::Declined(reason));
        for (before, expected) in [
            (Payment::created(), Ok(OnCapture::AskProvider)),
            (payment(Status::Captured), Ok(OnCapture::Captured)),
            (
                payment(Status::Declined(DeclineReason::DeclinedByProvider)),
                declined(DeclineReason::DeclinedByProvider),
            ),
            (payment(Status::Voided), declined(DeclineReason::Voided)),
            (Payment::created().now(Status::Voided), declined(DeclineReason::Voided)),
            (payment(Status::Refunded), declined(DeclineReason::Refunded)),
        ] {
            assert_eq!(before.on_capture(&terms(2_500)), expected, "{before:?}");
        }
    }

    #[test]
    fn terms_that_fit_into_no_key_are_refused_by_name() {
        assert_eq!(terms(1).check(), Ok(()));
        for text in [String::new(), "x".repeat(513)] {
            let method = Terms {
                method: text.clone(),
                ..terms(1)
            };
            let customer_id = text;
            let customer = Terms {
                customer_id,
                ..terms(1)
            };
            assert!(method.check().unwrap_err().to_string().starts_with("method: "));
            assert!(customer.check().unwrap_err().to_string().starts_with("customerId: "));
        }
    }

    #[test]
    fn an_amount_that_is_not_positive_never_reaches_the_provider() {
        for amount in [0, -1, i64::MIN] {
            let step = Payment::created().on_capture(&terms(amount));
            assert_eq!(step, Ok(OnCapture::Declined(DeclineReason::InvalidAmount)));
        }
    }

    #[test]
    fn other_terms_for_the_same_order_are_a_contradiction_whatever_became_of_it() {
        for status in [Status::Captured, Status::Voided, Status::Refunded] {
            let error = payment(status).on_capture(&terms(2_501)).unwrap_err().to_string();
            assert!(error.contains("on other terms") && !error.contains("2501"), "{error}");
        }
    }

    #[test]
    fn an_answer_that_comes_unasked_settles_what_is_open_and_never_overturns_what_is_known() {
        use ProviderOutcome::{Captured, Declined};
        let by_provider = Status::Declined(DeclineReason::DeclinedByProvider);
        for (before, outcome, expected) in [
            (Payment::created(), Captured, OnAnswer::Settle),
            (payment(Status::Captured), Captured, OnAnswer::Known),
            (payment(Status::Refunded), Captured, OnAnswer::Known),
            (payment(by_provider), Declined, OnAnswer::Known),
            (payment(Status::Voided), ProviderOutcome::Voided, OnAnswer::Known),
            (payment(Status::Voided), Captured, OnAnswer::Disagreement),
            (payment(Status::Captured), Declined, OnAnswer::Disagreement),
        ] {
            assert_eq!(
                before.on_answer(&terms(2_500), outcome),
                expected,
                "{before:?} {outcome:?}"
            );
        }
        let other_amount = payment(Status::Captured).on_answer(&terms(1), Captured);
        assert_eq!(other_amount, OnAnswer::Disagreement);
    }

    #[test]
    fn what_goes_back_is_what_was_taken_and_nothing_where_none_was() {
        let amount = terms(2_500).amount;
        let zero = Money::new(0, amount.currency());
        let declined = Status::Declined(DeclineReason::DeclinedByProvider);
        for (before, expected) in [
            (Payment::created(), OnRefund::VoidAtProvider),
            (payment(Status::Captured), OnRefund::RefundAtProvider(amount)),
            (payment(declined), OnRefund::Void),
            (payment(Status::Voided), OnRefund::Settled(zero)),
            (Payment::created().now(Status::Voided), OnRefund::Settled(nothing())),
            (payment(Status::Refunded), OnRefund::Settled(amount)),
        ] {
            assert_eq!(before.on_refund(), expected, "{before:?}");
        }
    }
}
