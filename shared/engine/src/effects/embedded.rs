use std::future::Future;
use std::sync::Arc;

use onecommit_event::{Event, Payload};
use tower::{BoxError, service_fn};

use super::{Carried, Effect, Failure, HandlerService, Kind, Message, decode};
use crate::condition::Condition;
use crate::embedded::change::{Change, Fault};
use crate::value::Value;
use crate::verdict::{ParkReason, Verdict};
use crate::write::{Key, Row, Table, Update};

/// A handler that changes one row, which itself records that the event was handled.
///
/// One request and one write unit, for rows up to 1 KB: no ledger row, no transaction. The handler may read, the row and others,
/// and its change may be conditional; it is run again on fresh reads when a condition fails. Which row it is follows from
/// the event alone ([`RowOf`]), so that a copy looks where the first delivery wrote, whatever the handler would decide the
/// second time.
///
/// The row must only ever be updated: a row that is put anew, deleted or expires loses its record of handling, and then a
/// copy is handled a second time. Attributes named `_m` with a number, and `_ms`, belong to that record. The table has to be one
/// that other code treats in the same way.
///
/// A plain `async fn(Event<P>, RowUpdate) -> Result<RowUpdate, Failure>` is one.
pub trait Embedded<P>: Send + Sync + 'static {
    /// What the event changes: `row` as given, with the changes.
    ///
    /// # Errors
    /// See [`Failure`].
    fn handle(&self, event: Event<P>, row: RowUpdate) -> impl Future<Output = Result<RowUpdate, Failure>> + Send;
}

impl<P, F, Fut> Embedded<P> for F
where
    F: Fn(Event<P>, RowUpdate) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<RowUpdate, Failure>> + Send,
{
    fn handle(&self, event: Event<P>, row: RowUpdate) -> impl Future<Output = Result<RowUpdate, Failure>> + Send {
        self(event, row)
    }
}

/// Which row an event changes. It has to be the same for every copy of the event: a pure function.
///
/// A plain `Fn(&Event<P>) -> Row` is one. When the function changes, events of before have their record elsewhere:
/// [`MovedRow`]. So they have when the handler was of another class: [`AlsoInLedger`].
pub trait RowOf<P>: Send + Sync + 'static {
    /// The row.
    fn row(&self, event: &Event<P>) -> Row;

    /// The row by the function of before, as long as copies may come of events that it was used for.
    fn earlier_row(&self, event: &Event<P>) -> Option<Row> {
        let _ = event;
        None
    }

    /// Whether the event is recorded in the ledger, too.
    fn is_in_ledger(&self) -> bool {
        false
    }
}

impl<P, F> RowOf<P> for F
where
    F: Fn(&Event<P>) -> Row + Send + Sync + 'static,
{
    fn row(&self, event: &Event<P>) -> Row {
        self(event)
    }
}

/// A key function that has changed: events are recorded in the rows of both, so that processes with either function see
/// what the other has handled. Each costs four write units meanwhile.
///
/// Keep it for as long as the ledger remembers, from the moment when the last process with the earlier function has ended.
/// Where there is no row by the earlier function, one comes into being that holds marks only.
#[derive(Clone, Copy, Debug)]
pub struct MovedRow<R, E> {
    /// The key function.
    pub row: R,
    /// The one of before.
    pub earlier: E,
}

impl<P, R: RowOf<P>, E: RowOf<P>> RowOf<P> for MovedRow<R, E> {
    fn row(&self, event: &Event<P>) -> Row {
        self.row.row(event)
    }

    fn earlier_row(&self, event: &Event<P>) -> Option<Row> {
        Some(self.earlier.row(event))
    }

    fn is_in_ledger(&self) -> bool {
        self.row.is_in_ledger() || self.earlier.is_in_ledger()
    }
}

/// A handler that is becoming `Embedded`, or is about to become `Atomic` again: events are recorded in the row and in the
/// ledger, so that processes of either class see what the other has handled. Each costs four write units meanwhile.
///
/// Keep it for as long as the ledger remembers, from the moment when the last process of the other class has ended.
#[derive(Clone, Copy, Debug)]
pub struct AlsoInLedger<R>(pub R);

impl<P, R: RowOf<P>> RowOf<P> for AlsoInLedger<R> {
    fn row(&self, event: &Event<P>) -> Row {
        self.0.row(event)
    }

    fn earlier_row(&self, event: &Event<P>) -> Option<Row> {
        self.0.earlier_row(event)
    }

    fn is_in_ledger(&self) -> bool {
        true
    }
}

/// Changes of the row of an [`Embedded`] handler. Without any, the row still records that the event was handled.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a change that is not returned changes nothing"]
pub struct RowUpdate(Update);

impl RowUpdate {
    /// No changes of `row` yet. The engine makes one for each event; this is for tests of a handler.
    pub fn of(row: Row) -> Self {
        Self(row.blank())
    }

    /// The row's table, to read it.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// The row's key, to read it.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// The changes, in the order they were asked for.
    #[must_use]
    pub fn changes(&self) -> &[crate::write::Change] {
        self.0.changes()
    }

    /// The attribute gets this value.
    pub fn set(self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self(self.0.set(attribute, value))
    }

    /// The attribute gets this value unless it has one.
    pub fn set_if_absent(self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self(self.0.set_if_absent(attribute, value))
    }

    /// The number grows by this much, from 0 if it is not there.
    pub fn add(self, attribute: impl Into<String>, amount: i64) -> Self {
        Self(self.0.add(attribute, amount))
    }

    /// The set of bytes gets these elements, too.
    pub fn add_to_set(self, attribute: impl Into<String>, elements: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(self.0.add_to_set(attribute, elements))
    }

    /// The attribute goes away.
    pub fn remove(self, attribute: impl Into<String>) -> Self {
        Self(self.0.remove(attribute))
    }

    /// Only if `condition` holds for the row that is there.
    pub fn only_if(self, condition: Condition) -> Self {
        Self(self.0.only_if(condition))
    }
}

pub(crate) fn service<P: Payload, R: RowOf<P>, H: Embedded<P>>(row: R, handler: H) -> HandlerService {
    let (row_of, handler) = (Arc::new(row), Arc::new(handler));
    HandlerService::new(service_fn(move |message: Message| {
        let (row_of, handler) = (Arc::clone(&row_of), Arc::clone(&handler));
        async move {
            let event = decode::<P>(&message.event)?;
            let (row, earlier) = (row_of.row(&event), row_of.earlier_row(&event));
            if row_of.row(&event) != row || row_of.earlier_row(&event) != earlier {
                let fault = Fault::RowMoves(row.table().to_string());
                let verdict = Verdict::park(ParkReason::InvalidCommit, fault);
                return Ok(Effect(Kind::Decided(verdict)));
            }
            let changes = handler.handle(event, RowUpdate::of(row.clone())).await;
            let RowUpdate(update) = changes.map_err(Carried::from)?;
            Ok::<_, BoxError>(Effect(Kind::Embedded(Change {
                update,
                row,
                earlier,
                is_in_ledger: row_of.is_in_ledger(),
            })))
        }
    }))
}
