//! Sagas as an ordinary consumer: every transition is the commit of the message that caused it.

mod answers;
mod calls;
mod deadlines;
mod operator_requests;
mod registry;
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Keyed, Table, TableReader};
use onecommit_environment::Environment;
use onecommit_event::{Event, RawPayload};

use crate::definition::{Definition, DefinitionError};
use crate::error::failure;
use crate::requests::{
    RESERVED, SagaCallDue, SagaCancelRequested, SagaDeadlineReached, SagaEcho, SagaResolved, SagaRetryRequested,
    SagaSkipRequested,
};
use registry::Registry;
use store::Store;

/// Runs sagas: makes the consumer that does.
///
/// Its queue has to get what [`Orchestrator::event_types`] names. The engine needs an event log: commands leave through
/// the events table.
pub struct Orchestrator {
    registry: Registry,
    table: Table,
    rows: Arc<dyn TableReader>,
    environment: Environment,
    remembered_max: usize,
}

/// What all handlers of one consumer share.
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
        rows: Arc<dyn TableReader>,
        environment: Environment,
    ) -> Result<Self, DefinitionError> {
        Ok(Self {
            registry: Registry::of(definitions)?,
            table,
            rows,
            environment,
            remembered_max: Self::REMEMBERED_MAX,
        })
    }

    /// Remembers so many sagas between their transitions; 0 for none. A remembered saga's transition takes one DynamoDB
    /// request, another one's two.
    #[must_use]
    pub fn remembering(mut self, sagas_max: usize) -> Self {
        self.remembered_max = sagas_max;
        self
    }

    /// The event types its queue has to get, sorted: what starts and answers its sagas, and what is asked of them.
    #[must_use]
    pub fn event_types(&self) -> BTreeSet<&'static str> {
        let own = self.registry.event_types().map(|(event_type, _)| event_type);
        own.chain(RESERVED).collect()
    }

    /// The consumer of this name that runs the sagas.
    #[must_use]
    pub fn consumer(self, name: impl Into<String>) -> Consumer {
        let inner = Arc::new(Inner {
            store: Store::new(self.table, self.rows, self.environment, self.remembered_max),
            registry: self.registry,
        });
        let mut consumer = Consumer::named(name);
        for (event_type, schema_version) in inner.registry.event_types() {
            consumer = consumer.atomic_raw(event_type, schema_version, OnEvent(Arc::clone(&inner)));
        }
        if inner.registry.makes_calls() {
            consumer = consumer.keyed::<SagaCallDue, _>(OnCallDue(Arc::clone(&inner)));
        }
        let on_request = || OnRequest(Arc::clone(&inner));
        consumer
            .atomic::<SagaDeadlineReached, _>(on_request())
            .atomic::<SagaEcho, _>(on_request())
            .atomic::<SagaCancelRequested, _>(on_request())
            .atomic::<SagaRetryRequested, _>(on_request())
            .atomic::<SagaSkipRequested, _>(on_request())
            .atomic::<SagaResolved, _>(on_request())
    }
}

impl std::fmt::Debug for Orchestrator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Orchestrator").finish_non_exhaustive()
    }
}

/// Handles events that start, answer or cancel sagas.
struct OnEvent(Arc<Inner>);
/// Handles what is asked of one saga.
struct OnRequest(Arc<Inner>);
/// Makes calls.
struct OnCallDue(Arc<Inner>);

impl Atomic<RawPayload> for OnEvent {
    async fn handle(&self, event: Event) -> Result<Commit, Failure> {
        self.0.on_event(event).await.map_err(failure)
    }
}

impl Keyed<SagaCallDue> for OnCallDue {
    async fn handle(
        &self,
        event: Event<SagaCallDue>,
        calls: onecommit_engine::IdempotencyKeys,
    ) -> Result<Commit, Failure> {
        self.0.on_call_due(event, calls).await
    }
}

impl Atomic<SagaDeadlineReached> for OnRequest {
    async fn handle(&self, event: Event<SagaDeadlineReached>) -> Result<Commit, Failure> {
        self.0.on_deadline(event).await.map_err(failure)
    }
}

impl Atomic<SagaEcho> for OnRequest {
    async fn handle(&self, event: Event<SagaEcho>) -> Result<Commit, Failure> {
        self.0.on_echo(event).await.map_err(failure)
    }
}

macro_rules! on_request {
    ($($request:ident),*) => {$(
        impl Atomic<$request> for OnRequest {
            async fn handle(&self, event: Event<$request>) -> Result<Commit, Failure> {
                self.0.on_request(event).await
            }
        }
    )*};
}

on_request!(SagaCancelRequested, SagaRetryRequested, SagaSkipRequested, SagaResolved);
