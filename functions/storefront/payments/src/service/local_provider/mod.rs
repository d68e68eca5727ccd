//! A payment provider for demonstrations and tests. It takes no money; it keeps what was asked of it in a table of its
//! own, as a provider would in its own house, and misbehaves when it is told to.

pub(crate) mod api;
mod behaviour;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use onecommit_engine::{
    Condition, DatabaseError, EventLog, Item, Key, RetryingWrites, Table, Tables, Transaction, Update, Value, Write,
};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, EventError, Metadata, NewEvent};
use storefront_money::Money;

use crate::{PaymentId, ProviderAnswered, ProviderOutcome, Terms};

pub use self::behaviour::Behaviour;
use crate::service::provider::{Found, PaymentProvider, ProviderError, VoidAnswer};
use crate::service::row;

/// A provider that takes no money and otherwise does what a provider does: each payment once, under its id.
///
/// Its table has the key `pk`.
#[derive(Clone)]
pub struct LocalProvider {
    tables: Arc<dyn Tables>,
    table: Table,
    log: EventLog,
    environment: Environment,
}

/// What it did with a payment. The words are those in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Captured,
    Declined,
    Voided,
    Refunded,
}

impl Done {
    const ALL: [Self; 4] = [Self::Captured, Self::Declined, Self::Voided, Self::Refunded];

    fn word(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
        }
    }

    fn outcome(self) -> ProviderOutcome {
        match self {
            Self::Captured | Self::Refunded => ProviderOutcome::Captured,
            Self::Declined => ProviderOutcome::Declined,
            Self::Voided => ProviderOutcome::Voided,
        }
    }
}

/// A payment as it lies in its table.
struct Entry {
    terms: Option<Terms>,
    done: Done,
}

impl LocalProvider {
    /// A provider that keeps its state in `table`, and whose late answers are events in `log`, as a webhook's would be.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, table: Table, log: EventLog, environment: Environment) -> Self {
        Self {
            tables: Arc::new(RetryingWrites::of(tables, environment.clone())),
            table,
            log,
            environment,
        }
    }

    /// What demonstrations and tests need, and no provider would offer: `PUT /payments/local-provider/behaviour` and
    /// `GET /payments/local-provider/payments/{orderId}`.
    pub fn api(&self) -> Router {
        api::router(self.clone())
    }

    /// From now on it treats new payments of the customer, or with the method, like this. A customer's behaviour goes
    /// before a method's.
    ///
    /// # Errors
    /// When the table does not take it.
    pub async fn behave(&self, towards: &Towards, behaviour: Behaviour) -> Result<(), DatabaseError> {
        let write = self.table.update(towards.key()).set("behaviour", behaviour.word());
        self.tables.write(&write.into()).await
    }

    async fn entry(&self, payment: &PaymentId) -> Result<Option<Entry>, ProviderError> {
        let row = self.tables.get(&self.table, &key(payment)).await.map_err(no_answer)?;
        row.map(|row| entry_in(&row)).transpose()
    }

    async fn behaviour_towards(&self, terms: &Terms) -> Result<Behaviour, ProviderError> {
        for towards in [
            Towards::Customer(terms.customer_id.clone()),
            Towards::Method(terms.method.clone()),
        ] {
            let row = self.tables.get(&self.table, &towards.key()).await.map_err(no_answer)?;
            let told = row
                .as_ref()
                .and_then(|row| row.get("behaviour"))
                .and_then(Value::as_str);
            if let Some(behaviour) = told.and_then(Behaviour::of) {
                return Ok(behaviour);
            }
        }
        Ok(Behaviour::Approve)
    }

    /// Notes what it did with a payment that it had not heard of; false when somebody else was quicker.
    async fn note(
        &self,
        payment: &PaymentId,
        terms: Option<&Terms>,
        done: Done,
        late_answers: u64,
    ) -> Result<bool, ProviderError> {
        let mut row = Item::from([("status".to_owned(), Value::from(done.word()))]);
        if let Some(terms) = terms {
            row.insert("orderId".to_owned(), (&terms.order_id).into());
            row.insert("customerId".to_owned(), (&terms.customer_id).into());
            row.insert("method".to_owned(), (&terms.method).into());
            row.insert("amountMinorUnits".to_owned(), terms.amount.minor_units().into());
            row.insert("currency".to_owned(), terms.amount.currency().to_string().into());
        }
        let mut writes: Vec<Write> = vec![self.table.put(key(payment), row).only_if_absent().into()];
        if let Some(terms) = terms {
            for version in 1..=late_answers {
                let answer = self
                    .late_answer(payment, terms, done.outcome(), version)
                    .map_err(refused)?;
                writes.push(self.log.put(&answer).into());
            }
        }
        let transaction = Transaction {
            token: self.environment.ids().next(),
            writes,
        };
        match self.tables.transact(&transaction).await {
            Ok(()) => Ok(true),
            Err(DatabaseError::Cancelled(_)) => Ok(false),
            Err(error) => Err(no_answer(error)),
        }
    }

    fn late_answer(
        &self,
        payment: &PaymentId,
        terms: &Terms,
        outcome: ProviderOutcome,
        version: u64,
    ) -> Result<Event, EventError> {
        let answer = NewEvent::of(&ProviderAnswered {
            order_id: terms.order_id.clone(),
            customer_id: terms.customer_id.clone(),
            amount: terms.amount,
            method: terms.method.clone(),
            outcome,
        })?;
        let metadata = Metadata {
            sequence: Some(version),
            ..Metadata::starting(payment.as_str())
        };
        let stream = Aggregate::new("ProviderPayment", payment.as_str())?;
        Event::from_new(answer, stream, metadata, &self.environment)
    }
}

#[async_trait]
impl PaymentProvider for LocalProvider {
    async fn capture(&self, payment: &PaymentId, terms: &Terms) -> Result<ProviderOutcome, ProviderError> {
        if let Some(entry) = self.entry(payment).await? {
            return outcome_on(payment, &entry, terms);
        }
        let behaviour = self.behaviour_towards(terms).await?;
        let (done, late_answers) = match behaviour {
            Behaviour::Unreachable => return Err(ProviderError::NoAnswer(behaviour.word().into())),
            Behaviour::Decline => (Done::Declined, 0),
            Behaviour::TimeOutThenAnswerTwice => (Done::Captured, 2),
            Behaviour::Approve | Behaviour::TimeOut => (Done::Captured, 0),
        };
        if !self.note(payment, Some(terms), done, late_answers).await? {
            return Err(ProviderError::NoAnswer(
                "it was requested twice at the same time".into(),
            ));
        }
        match behaviour {
            Behaviour::TimeOut | Behaviour::TimeOutThenAnswerTwice => {
                Err(ProviderError::NoAnswer(behaviour.word().into()))
            }
            _ => Ok(done.outcome()),
        }
    }

    async fn refund(&self, payment: &PaymentId) -> Result<Money, ProviderError> {
        let entry = self.entry(payment).await?;
        let captured = entry.and_then(|Entry { terms, done }| Some((terms?.amount, done)));
        match captured {
            Some((amount, Done::Refunded)) => Ok(amount),
            Some((amount, Done::Captured)) => {
                let refund: Update = self
                    .table
                    .update(key(payment))
                    .set("status", Done::Refunded.word())
                    .only_if(Condition::equals("status", Done::Captured.word()));
                self.tables.write(&refund.into()).await.map_err(no_answer)?;
                Ok(amount)
            }
            _ => Err(ProviderError::Refused(format!("{payment} was not captured"))),
        }
    }

    async fn void(&self, payment: &PaymentId) -> Result<VoidAnswer, ProviderError> {
        match self.entry(payment).await? {
            Some(Entry {
                terms: Some(terms),
                done: Done::Captured | Done::Refunded,
            }) => Ok(VoidAnswer::Captured(terms)),
            Some(_) => Ok(VoidAnswer::GivenUp),
            None if self.note(payment, None, Done::Voided, 0).await? => Ok(VoidAnswer::GivenUp),
            None => Err(ProviderError::NoAnswer(
                "it was requested twice at the same time".into(),
            )),
        }
    }

    async fn find(&self, payment: &PaymentId) -> Result<Option<Found>, ProviderError> {
        let entry = self.entry(payment).await?;
        Ok(entry.map(|Entry { terms, done }| Found {
            terms,
            outcome: done.outcome(),
        }))
    }
}

/// Whose payments a behaviour is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Towards {
    /// Those of a customer.
    Customer(String),
    /// Those with a method.
    Method(String),
}

impl Towards {
    fn key(&self) -> Key {
        let (kind, who) = match self {
            Self::Customer(id) => ("customer", id),
            Self::Method(name) => ("method", name),
        };
        Key::new("pk", format!("behaviour#{kind}#{who}"))
    }
}

fn outcome_on(payment: &PaymentId, entry: &Entry, terms: &Terms) -> Result<ProviderOutcome, ProviderError> {
    match &entry.terms {
        Some(earlier) if earlier != terms => Err(ProviderError::Refused(format!(
            "{payment} was requested before on other terms"
        ))),
        _ => Ok(entry.done.outcome()),
    }
}

fn key(payment: &PaymentId) -> Key {
    Key::new("pk", format!("payment#{payment}"))
}

fn entry_in(row: &Item) -> Result<Entry, ProviderError> {
    let word = row.get("status").and_then(Value::as_str).unwrap_or_default();
    let done = Done::ALL.into_iter().find(|done| done.word() == word);
    Ok(Entry {
        terms: row::terms(row).map_err(refused)?,
        done: done.ok_or_else(|| ProviderError::Refused("its table holds an unknown status".to_owned()))?,
    })
}

fn no_answer(error: DatabaseError) -> ProviderError {
    ProviderError::NoAnswer(Box::new(error))
}

fn refused(error: impl std::error::Error) -> ProviderError {
    ProviderError::Refused(error.to_string())
}
