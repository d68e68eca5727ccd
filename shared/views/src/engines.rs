use std::sync::Arc;

use onecommit_engine::{
    Consumer, Effect, Engine, EventLog, Ledger, Message, Settings, TableWriter, Tables, UnknownEventTypes,
};
use onecommit_environment::Environment;
use onecommit_event::claim_check::PayloadStore;
use onecommit_event_store::{EventStore, UpcastError, Upcasters};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt, service_fn};

use crate::definition::{ViewDefinition, ViewRows};
use crate::name::{Generation, ViewName};

type Handler = BoxCloneSyncService<Message, Effect, BoxError>;

/// Makes the engine of a generation of a view: the same for keeping it and for rebuilding it, so that what one has
/// handled is a copy for the other.
#[derive(Clone)]
pub struct EngineFactory {
    database: Arc<dyn TableWriter>,
    ledger: Ledger,
    environment: Environment,
    settings: Settings,
    payload_store: Option<Arc<dyn PayloadStore>>,
    upcasters: Option<Arc<Upcasters>>,
}

impl EngineFactory {
    /// Engines that commit to `database`, with their ledger there.
    #[must_use]
    pub fn new(database: Arc<dyn TableWriter>, ledger: Ledger, environment: Environment) -> Self {
        Self {
            database,
            ledger,
            environment,
            settings: Settings::default(),
            payload_store: None,
            upcasters: None,
        }
    }

    /// How they work.
    #[must_use]
    pub fn with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Claims the payloads of events that travelled with a claim check from this store.
    #[must_use]
    pub fn with_claim_checks(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.payload_store = Some(store);
        self
    }

    /// Brings payloads of older schemas to the newest before a handler sees them, whether they come from a queue or
    /// from the store.
    #[must_use]
    pub fn with_upcasters(mut self, upcasters: Upcasters) -> Self {
        self.upcasters = Some(Arc::new(upcasters));
        self
    }

    /// What an event type that no view handles means.
    pub(crate) fn unknown_event_types(&self) -> UnknownEventTypes {
        self.settings.unknown_event_types
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The store of the events in `log`, as they were stored: it is here that they are brought up, not there.
    pub(crate) fn store(&self, tables: Arc<dyn Tables>, log: EventLog) -> EventStore {
        EventStore::new(tables, log, self.environment.clone())
    }

    pub(crate) fn database(&self) -> &Arc<dyn TableWriter> {
        &self.database
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// For what comes from a queue.
    pub(crate) fn engine(
        &self,
        view: &dyn ViewDefinition,
        name: &ViewName,
        generation: Generation,
        rows: ViewRows,
    ) -> Engine {
        self.engine_of(self.consumer(view, name, generation, rows))
    }

    /// For what comes from the store: events of any age, for a generation that is younger than its ledger rows.
    pub(crate) fn replaying_engine(
        &self,
        view: &dyn ViewDefinition,
        name: &ViewName,
        generation: Generation,
        rows: ViewRows,
    ) -> Engine {
        self.engine_of(self.consumer(view, name, generation, rows).accepts_old_events())
    }

    fn consumer(&self, view: &dyn ViewDefinition, name: &ViewName, generation: Generation, rows: ViewRows) -> Consumer {
        let consumer = view.handlers(Consumer::named(name.consumer(generation)), rows);
        self.bringing_up(consumer).with(
            self.settings
                .clone()
                // One view does not know what others handle: the projector decides once it has heard all of them.
                .unknown_event_types(UnknownEventTypes::Ignore),
        )
    }

    fn engine_of(&self, consumer: Consumer) -> Engine {
        let engine = Engine::new(
            consumer,
            Arc::clone(&self.database),
            self.ledger.clone(),
            self.environment.clone(),
        );
        match &self.payload_store {
            Some(store) => engine.with_claim_checks(Arc::clone(store)),
            None => engine,
        }
    }

    /// The engine compares events as they were published and stored; only the handler sees the newer payload. If the
    /// store brought them up itself, the same event would say two things under one id.
    fn bringing_up(&self, consumer: Consumer) -> Consumer {
        let Some(upcasters) = self.upcasters.clone() else {
            return consumer;
        };
        consumer.layer(tower::layer::layer_fn(move |handler: Handler| {
            let upcasters = Arc::clone(&upcasters);
            service_fn(move |message: Message| {
                let brought_up = bring_up(&upcasters, message);
                let handler = handler.clone();
                async move { handler.oneshot(brought_up.map_err(BoxError::from)?).await }
            })
        }))
    }
}

fn bring_up(upcasters: &Upcasters, mut message: Message) -> Result<Message, UpcastError> {
    message.event = upcasters.bring_up(message.event)?;
    Ok(message)
}
