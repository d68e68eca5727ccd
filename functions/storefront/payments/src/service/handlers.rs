//! What the context does on each command. All of them are one read, the provider's answer where it is needed, and one
//! transaction: the row, the reply in the payment's stream, the ledger.

use onecommit_engine::{Commit, Failure, IdempotencyKeys, Keyed};
use onecommit_event::{Event, EventError, EventId, NewEvent, Timestamp};
use storefront_money::Money;
use tracing::{info, warn};

use crate::Payments;
use crate::service::provider::{ProviderError, VoidAnswer};
use crate::service::row::{Fact, Known, Next};
use crate::{
    CapturePayment, DeclineReason, OnAnswer, OnCapture, OnRefund, Payment, PaymentDeclined, PaymentId,
    PaymentProcessed, PaymentRefunded, PaymentUnchanged, ProviderAnswered, ProviderOutcome, RefundPayment, Status,
    Terms, nothing,
};

/// The engine's key of a call belongs to one event, and a command that is sent again comes as another event. What has to
/// happen once belongs to the payment, so the payment's own id is the key: see
/// [`PaymentProvider`](crate::PaymentProvider).
impl Keyed<CapturePayment> for Payments {
    async fn handle(&self, event: Event<CapturePayment>, _calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let asked = event.payload();
        let terms = Terms {
            order_id: asked.order_id.clone(),
            customer_id: asked.customer_id.clone(),
            amount: asked.amount,
            method: asked.method.clone(),
        };
        terms.check().map_err(|error| Failure::reject(error.to_string()))?;
        let id = PaymentId::of_order(&terms.order_id);
        let known = self.known(&id).await?;
        let step = known
            .payment
            .on_capture(&terms)
            .map_err(|contradiction| Failure::reject(contradiction.to_string()))?;
        let payment = match step {
            OnCapture::AskProvider => Payment::answered(terms.clone(), self.outcome_of_capture(&id, &terms).await?),
            OnCapture::Captured => known.payment.clone(),
            OnCapture::Declined(reason) if known.payment.status == Status::Created => Payment {
                terms: Some(terms.clone()),
                status: Status::Declined(reason),
            },
            OnCapture::Declined(_) => known.payment.clone(),
        };
        let reply = reply_to_capture(&id, &terms, payment.status)?;
        self.commit(&id, &terms.order_id, &known, &payment, reply, event.timestamp())
    }
}

impl Keyed<RefundPayment> for Payments {
    async fn handle(&self, event: Event<RefundPayment>, _calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let asked = event.payload();
        let id = PaymentId::of_order(&asked.order_id);
        let known = self.known(&id).await?;
        let (payment, amount) = match known.payment.on_refund() {
            OnRefund::Settled(amount) => (known.payment.clone(), amount),
            OnRefund::Void => void(&known.payment),
            OnRefund::RefundAtProvider(_) => {
                let amount = self.provider.refund(&id).await.map_err(failure)?;
                (known.payment.clone().now(Status::Refunded), amount)
            }
            OnRefund::VoidAtProvider => match self.provider.void(&id).await.map_err(failure)? {
                VoidAnswer::GivenUp => void(&known.payment),
                // The capture's answer is still on its way to us, or was lost.
                VoidAnswer::Captured(terms) => {
                    let amount = self.provider.refund(&id).await.map_err(failure)?;
                    let payment = Payment::answered(terms, ProviderOutcome::Captured);
                    (payment.now(Status::Refunded), amount)
                }
            },
        };
        info!(payment.id = %id, reason = asked.reason, "payment was refunded or voided");
        let refunded = PaymentRefunded {
            order_id: asked.order_id.clone(),
            payment_id: id.to_string(),
            amount,
        };
        let reply = Reply::Fact(Fact::Refunded, NewEvent::of(&refunded).map_err(Failure::Invalid)?);
        self.commit(&id, &asked.order_id, &known, &payment, reply, event.timestamp())
    }
}

/// Only notes what the provider tells. The command that asked is answered when it comes again, so that the reply names
/// its cause.
///
/// What arrived is a hint, wherever it came from: before anything follows from it, the provider is asked for the payment
/// under its id, and has to say the same.
impl Keyed<ProviderAnswered> for Payments {
    async fn handle(&self, event: Event<ProviderAnswered>, _calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let answer = event.payload();
        let terms = Terms {
            order_id: answer.order_id.clone(),
            customer_id: answer.customer_id.clone(),
            amount: answer.amount,
            method: answer.method.clone(),
        };
        terms.check().map_err(|error| Failure::reject(error.to_string()))?;
        let id = PaymentId::of_order(&terms.order_id);
        let known = self.known(&id).await?;
        let step = known.payment.on_answer(&terms, answer.outcome);
        if step == OnAnswer::Known {
            return Ok(Commit::nothing());
        }
        self.confirm(&id, &terms, answer.outcome).await?;
        if step == OnAnswer::Disagreement {
            return Err(Failure::reject(format!(
                "the provider reports {:?} for {id}, but the stored status is {:?}; compare both and settle it by hand",
                answer.outcome, known.payment.status
            )));
        }
        let order_id = terms.order_id.clone();
        let payment = Payment::answered(terms, answer.outcome);
        let next = Next {
            payment: &payment,
            told: &known.told,
            events: 0,
        };
        let row = known.replaced_by(&self.table, &id, &order_id, &next, event.timestamp());
        Ok(Commit::of(row))
    }
}

impl Payments {
    async fn known(&self, id: &PaymentId) -> Result<Known, Failure> {
        // Before anything is asked of anybody: an id that is none ends here.
        id.stream().map_err(Failure::Invalid)?;
        let row = self.rows.get(&self.table, &crate::service::row::key(id)).await?;
        Known::read(row.as_ref()).map_err(|error| Failure::reject(error.to_string()))
    }

    /// Asks the provider whether this is what became of the payment. While it does not answer, the message is redelivered.
    async fn confirm(&self, id: &PaymentId, terms: &Terms, outcome: ProviderOutcome) -> Result<(), Failure> {
        let found = self.provider.find(id).await.map_err(failure)?;
        let is_confirmed = found.is_some_and(|found| found.outcome == outcome && found.terms.as_ref() == Some(terms));
        if is_confirmed {
            return Ok(());
        }
        Err(Failure::reject(format!(
            "an answer about {id} arrived that the payment provider does not confirm; nothing was \
             changed. Find out who sent it, and compare the payment with the provider's own list"
        )))
    }

    /// Without an answer, what became of the payment is asked for once; if that is not known either, the message comes
    /// back.
    async fn outcome_of_capture(&self, id: &PaymentId, terms: &Terms) -> Result<ProviderOutcome, Failure> {
        match self.provider.capture(id, terms).await {
            Err(error @ ProviderError::NoAnswer(_)) => {
                warn!(payment.id = %id, error = %error, "capture was not answered; the provider is asked for its outcome");
                match self.provider.find(id).await.map_err(failure)? {
                    Some(found) if found.terms.as_ref().is_none_or(|theirs| theirs == terms) => Ok(found.outcome),
                    Some(_) => Err(Failure::reject(format!("the payment provider has {id} on other terms"))),
                    None => Err(Failure::unavailable(error)),
                }
            }
            answered => answered.map_err(failure),
        }
    }

    fn commit(
        &self,
        id: &PaymentId,
        order_id: &str,
        known: &Known,
        payment: &Payment,
        reply: Reply,
        at: Timestamp,
    ) -> Result<Commit, Failure> {
        let stream = id.stream().map_err(Failure::Invalid)?;
        let (told, reply) = match reply {
            Reply::Refusal(reply) => (known.told.clone(), reply),
            Reply::Fact(fact, _) if known.told.contains(&fact) => (known.told.clone(), unchanged(id, order_id)?),
            Reply::Fact(fact, event) => {
                let told = known.told.iter().copied().chain([fact]).collect();
                // The same fact is the same event, whoever tells it.
                (
                    told,
                    event.with_id(EventId::of_foreign(&stream.to_string(), fact.word())),
                )
            }
        };
        let told = &told;
        let next = Next {
            payment,
            told,
            events: 1,
        };
        let row = known.replaced_by(&self.table, id, order_id, &next, at);
        Ok(Commit::of(row).append(stream, known.version, [reply]))
    }
}

/// What a command is answered with.
enum Reply {
    /// It happened to the payment: told once, and answered by [`PaymentUnchanged`] after that.
    Fact(Fact, NewEvent),
    /// Nothing happened. It concerns nobody but who asked, so it is said each time.
    Refusal(NewEvent),
}

fn unchanged(id: &PaymentId, order_id: &str) -> Result<NewEvent, Failure> {
    let unchanged = PaymentUnchanged {
        order_id: order_id.to_owned(),
        payment_id: id.to_string(),
    };
    NewEvent::of(&unchanged).map_err(Failure::Invalid)
}

fn void(payment: &Payment) -> (Payment, Money) {
    let currency = payment.terms.as_ref().map(|terms| terms.amount.currency());
    let none = currency.map_or_else(nothing, |currency| Money::new(0, currency));
    (payment.clone().now(Status::Voided), none)
}

fn reply_to_capture(id: &PaymentId, terms: &Terms, status: Status) -> Result<Reply, Failure> {
    let declined = |reason| {
        let declined = NewEvent::of(&PaymentDeclined {
            order_id: terms.order_id.clone(),
            payment_id: id.to_string(),
            reason,
        });
        declined.map(Reply::Refusal)
    };
    let reply: Result<Reply, EventError> = match status {
        Status::Captured => NewEvent::of(&PaymentProcessed {
            payment_id: id.to_string(),
            order_id: terms.order_id.clone(),
            amount: terms.amount,
        })
        .map(|event| Reply::Fact(Fact::Processed, event)),
        Status::Declined(reason) => declined(reason),
        Status::Voided => declined(DeclineReason::Voided),
        Status::Refunded => declined(DeclineReason::Refunded),
        Status::Created => declined(DeclineReason::Other),
    };
    reply.map_err(Failure::Invalid)
}

fn failure(error: ProviderError) -> Failure {
    match error {
        ProviderError::NoAnswer(_) => Failure::unavailable(error),
        ProviderError::Refused(_) => Failure::reject(error.to_string()),
    }
}
