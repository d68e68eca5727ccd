//! Sagas as an ordinary consumer: every transition is the commit of the message that caused it.

mod answers;
mod calls;
mod people;
mod registry;
mod store;
mod time;

use std::sync::Arc;

use onecommit_commit::{Atomic, Commit, Consumer, Failure, Keyed, Rows, Table};
use onecommit_environment::Environment;
use onecommit_event::{Event, RawPayload};

use crate::definition::{Definition, DefinitionError};
use crate::error::failure;
use crate::requests::{
    SagaCallDue, SagaCancelRequested, SagaDeadlineReached, SagaResolved, SagaRetryRequested, SagaSkipRequested,
};
use registry::Registry;
use store::Store;

/// Runs sagas.
///
/// Its queue has to get, besides what [`Orchestrator::event_types`] names, the sagas' own `SagaCallDue`. The engine needs
/// an event log: commands leave through the events table.
#[derive(Clone)]
pub struct Orchestrator(Arc<Inner>);

struct Inner {
    registry: Registry,
    store: Store,
}

impl Orchestrator {
    /// How many sagas a process remembers: 1,000, which takes less than 32 MB.
    pub const REMEMBERED_MAX: usize = 1_000;

    /// Runs sagas of these definitions, whose rows are in `table`, read through `rows`.
    ///
    /// Several versions of one name may be there: new sagas start under the newest, those under way finish under theirs.
    ///
    /// # Errors
    /// See [`DefinitionError`].
    pub fn new(
        definitions: impl IntoIterator<Item = Definition>,
        table: Table,
        rows: Arc<dyn Rows>,
        environment: Environment,
    ) -> Result<Self, DefinitionError> {
        let registry = Registry::of(definitions)?;
        let store = Store::new(table, rows, environment, Self::REMEMBERED_MAX);
        Ok(Self(Arc::new(Inner { registry, store })))
    }

    /// Remembers so many sagas between their transitions; 0 for none. A remembered saga's transition takes one DynamoDB
    /// request, another one's two.
    ///
    /// It has to be said before [`Orchestrator::consumer`]; on an orchestrator that is shared already, nothing changes.
    #[must_use]
    pub fn remembering(mut self, sagas_max: usize) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.store.remember(sagas_max);
        }
        self
    }

    /// The consumer of this name that runs the sagas.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> Consumer {
        let mut consumer = Consumer::named(name);
        for (event_type, schema_version) in self.0.registry.event_types() {
            consumer = consumer.atomic_raw(event_type, schema_version, OnEvent(self.clone()));
        }
        if self.0.registry.makes_calls() {
            consumer = consumer.keyed::<SagaCallDue, _>(OnCallDue(self.clone()));
        }
        consumer
            .atomic::<SagaDeadlineReached, _>(OnRequest(self.clone()))
            .atomic::<SagaCancelRequested, _>(OnRequest(self.clone()))
            .atomic::<SagaRetryRequested, _>(OnRequest(self.clone()))
            .atomic::<SagaSkipRequested, _>(OnRequest(self.clone()))
            .atomic::<SagaResolved, _>(OnRequest(self.clone()))
    }

    /// The event types that start or answer its sagas.
    pub fn event_types(&self) -> impl Iterator<Item = &'static str> {
        self.0.registry.event_types().map(|(event_type, _)| event_type)
    }
}

impl std::fmt::Debug for Orchestrator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Orchestrator").finish_non_exhaustive()
    }
}

/// Handles events that start or answer sagas.
struct OnEvent(Orchestrator);
/// Handles what is asked of one saga.
struct OnRequest(Orchestrator);
/// Makes calls.
struct OnCallDue(Orchestrator);

impl Atomic<RawPayload> for OnEvent {
    async fn handle(&self, event: Event) -> Result<Commit, Failure> {
        self.0.0.on_event(event).await.map_err(failure)
    }
}

impl Keyed<SagaCallDue> for OnCallDue {
    async fn handle(&self, event: Event<SagaCallDue>, calls: onecommit_commit::Calls) -> Result<Commit, Failure> {
        self.0.0.on_call_due(event, calls).await
    }
}

impl Atomic<SagaDeadlineReached> for OnRequest {
    async fn handle(&self, event: Event<SagaDeadlineReached>) -> Result<Commit, Failure> {
        self.0.0.on_deadline(event).await.map_err(failure)
    }
}

macro_rules! on_request {
    ($($request:ident),*) => {$(
        impl Atomic<$request> for OnRequest {
            async fn handle(&self, event: Event<$request>) -> Result<Commit, Failure> {
                self.0.0.on_request(event).await
            }
        }
    )*};
}

on_request!(SagaCancelRequested, SagaRetryRequested, SagaSkipRequested, SagaResolved);
