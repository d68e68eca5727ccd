use std::collections::HashMap;
use std::time::Duration;

use onecommit_environment::Backoff;
use onecommit_event::{Payload, RawPayload};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::effects::{
    Atomic, Effect, Embedded, Guarded, HandlerService, Keyed, Message, RowOf, Sequenced, atomic_raw_service,
    atomic_service, embedded_service, guarded_service, keyed_service, sequenced_service,
};

/// A consumer: a name, under which the ledger remembers what it handled, and a handler per event type.
pub struct Consumer {
    pub(crate) name: String,
    pub(crate) handlers: HashMap<&'static str, Registered>,
    pub(crate) settings: Settings,
    pub(crate) accepts_old_events: bool,
}

pub(crate) struct Registered {
    pub(crate) service: HandlerService,
    /// The newest schema of the payload that the handler knows.
    pub(crate) schema_version: u32,
    pub(crate) recorded_in: RecordedIn,
}

/// Where it is recorded that a handler has handled an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordedIn {
    /// In a row of the ledger, by the commit.
    Ledger,
    /// In a row of the ledger that is there before the commit.
    Lease,
    /// In the row that it changes, and not for ever.
    Row,
    /// In the sequence that its row has seen, so that events of one aggregate had better come in order.
    Sequence,
}

/// What to do with an event whose type has no handler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownEventTypes {
    /// Ignore it. Right for a queue that gets all events.
    #[default]
    Ignore,
    /// Park it. Right for a queue that gets only the types it subscribed to.
    Park,
}

/// How a consumer works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What to do with an event whose type has no handler. Default: ignore.
    pub unknown_event_types: UnknownEventTypes,
    /// How many messages are worked on at once. Default: 50, as many as one transaction can hold.
    pub concurrency: usize,
    /// Whether commits that touch different rows share a transaction. Default: yes.
    pub group_commit: bool,
    /// How long a commit waits for others to share its transaction with, while their handlers still run. Default: 2 ms.
    pub group_linger: Duration,
    /// How often a handler is run again at once because its commit's conditions failed. Default: 3.
    pub reruns_max: u32,
    /// How many requests a commit takes at most before the message goes back to the queue. Default: 5.
    pub commit_attempts_max: u32,
    /// The wait between those requests. Default: up to 50 ms, doubling up to 1 s.
    pub commit_backoff: Backoff,
    /// How long a handler may take. Default: 60 s, and never longer than three quarters of what the invocation has left.
    pub handler_timeout: Duration,
    /// How often a message may fail by its own fault, or its handler's, until it is parked. Failures of dependencies do
    /// not count. Default: 5.
    pub deliveries_max: u32,
    /// The wait before a failed message is redelivered: it doubles from the first, in proportion to the time that the message
    /// has been failing, up to the longest. Default: from 2 s to 15 min.
    pub redelivery_backoff: Backoff,
    /// How long a view waits for an event that is missing before those it has, until they are parked. Default: 36 h, an
    /// outage of a day and the time to make up for it.
    pub gap_patience: Duration,
    /// How many bytes of payloads that travelled with claim checks are held in memory at once; one that is larger is held
    /// alone. Default: 64 MiB, the largest there is.
    pub claimed_bytes_max: usize,
    /// How far ahead of this clock an event's timestamp may be. One that is up to twice as far ahead waits until it is no
    /// further; beyond that it is parked. Default: 15 min; AWS refuses requests signed by clocks
    /// further off than 5.
    pub clock_skew_max: Duration,
    /// How long a lease of a `Guarded` handler holds without being renewed; it is renewed three times as often.
    /// Default: 30 s.
    pub lease_duration: Duration,
    /// How many handled events the process remembers, so that their copies cost no request. Default: 10,000.
    pub remembered_max: usize,
}

onecommit_environment::setters!(Settings {
    unknown_event_types: UnknownEventTypes,
    concurrency: usize,
    group_commit: bool,
    group_linger: Duration,
    reruns_max: u32,
    commit_attempts_max: u32,
    commit_backoff: Backoff,
    handler_timeout: Duration,
    deliveries_max: u32,
    redelivery_backoff: Backoff,
    gap_patience: Duration,
    claimed_bytes_max: usize,
    clock_skew_max: Duration,
    lease_duration: Duration,
    remembered_max: usize,
});

impl Default for Settings {
    fn default() -> Self {
        Self {
            unknown_event_types: UnknownEventTypes::Ignore,
            concurrency: 50,
            group_commit: true,
            group_linger: Duration::from_millis(2),
            reruns_max: 3,
            commit_attempts_max: 5,
            commit_backoff: Backoff {
                first: Duration::from_millis(50),
                longest: Duration::from_secs(1),
            },
            handler_timeout: Duration::from_secs(60),
            deliveries_max: 5,
            redelivery_backoff: Backoff {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(900),
            },
            gap_patience: Duration::from_secs(36 * 3600),
            claimed_bytes_max: 64 * 1024 * 1024,
            clock_skew_max: Duration::from_secs(15 * 60),
            lease_duration: Duration::from_secs(30),
            remembered_max: 10_000,
        }
    }
}

impl Consumer {
    /// A consumer of this name. Two consumers of one event need two names; a renamed consumer handles every
    /// redelivered event a second time.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            handlers: HashMap::new(),
            settings: Settings::default(),
            accepts_old_events: false,
        }
    }

    /// Also events that are older than the ledger remembers are handled: for a new view of what has happened so far, or an
    /// import. A copy of such an event may be handled a second time, if it comes when the record of the first is gone.
    ///
    /// Handlers of class [`Sequenced`] always accept them: the row itself records what it has seen.
    #[must_use]
    pub fn accepts_old_events(mut self) -> Self {
        self.accepts_old_events = true;
        self
    }

    /// The handler for events of type `P`, in place of an earlier one: it changes tables.
    #[must_use]
    pub fn atomic<P: Payload, H: Atomic<P>>(self, handler: H) -> Self {
        self.register::<P>(atomic_service::<P, H>(handler), RecordedIn::Ledger)
    }

    /// The handler for events of a type that is known only when the program runs, in place of an earlier one: it changes
    /// tables, and reads the payload itself. Events of a schema newer than `schema_version` are parked.
    #[must_use]
    pub fn atomic_raw<H: Atomic<RawPayload>>(
        mut self,
        event_type: &'static str,
        schema_version: u32,
        handler: H,
    ) -> Self {
        let registered = Registered {
            service: atomic_raw_service(handler),
            schema_version,
            recorded_in: RecordedIn::Ledger,
        };
        self.handlers.insert(event_type, registered);
        self
    }

    /// The handler for events of type `P`, in place of an earlier one: it keeps one row by the event's sequence.
    #[must_use]
    pub fn sequenced<P: Payload, H: Sequenced<P>>(self, handler: H) -> Self {
        self.register::<P>(sequenced_service::<P, H>(handler), RecordedIn::Sequence)
    }

    /// The handler for events of type `P`, in place of an earlier one: it changes the row that `row` says of the event, and the
    /// row records it.
    ///
    /// A handler that was of another class, or whose key function has changed, has records of before elsewhere: see
    /// [`AlsoInLedger`](crate::AlsoInLedger) and [`MovedRow`](crate::MovedRow).
    ///
    /// ```
    /// use onecommit_engine::{Consumer, Failure, Key, RowUpdate, Table};
    /// # use onecommit_event::{Event, Payload};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct ParcelWeighed { grams: i64 }
    /// # impl Payload for ParcelWeighed { const EVENT_TYPE: &'static str = "ParcelWeighed"; }
    /// async fn add_weight(event: Event<ParcelWeighed>, row: RowUpdate) -> Result<RowUpdate, Failure> {
    ///     Ok(row.add("grams", event.payload().grams).add("parcels", 1))
    /// }
    ///
    /// let views = Table::new("views");
    /// let of_day = move |event: &Event<ParcelWeighed>| {
    ///     views.row(Key::of_view("weights", &event.timestamp().to_string()[..10]))
    /// };
    /// let consumer = Consumer::named("weights-by-day").embedded(of_day, add_weight);
    /// ```
    #[must_use]
    pub fn embedded<P: Payload, R: RowOf<P>, H: Embedded<P>>(self, row: R, handler: H) -> Self {
        self.register::<P>(embedded_service::<P, R, H>(row, handler), RecordedIn::Row)
    }

    /// The handler for events of type `P`, in place of an earlier one: it calls systems that honour an idempotency key.
    #[must_use]
    pub fn keyed<P: Payload, H: Keyed<P>>(self, handler: H) -> Self {
        self.register::<P>(keyed_service::<P, H>(handler), RecordedIn::Ledger)
    }

    /// The handler for events of type `P`, in place of an earlier one: it calls a system that honours no such key.
    #[must_use]
    pub fn guarded<P: Payload, H: Guarded<P>>(self, handler: H) -> Self {
        self.register::<P>(guarded_service::<P, H>(handler), RecordedIn::Lease)
    }

    /// Wraps a layer around each handler registered so far. The last one added is the first to see a message.
    ///
    /// An error of the layer itself counts as transient: the message is redelivered.
    ///
    /// ```
    /// use onecommit_engine::{Commit, Consumer, Failure, Message};
    /// # use onecommit_event::{Event, Payload};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct ParcelShipped {}
    /// # impl Payload for ParcelShipped { const EVENT_TYPE: &'static str = "ParcelShipped"; }
    /// # async fn parcel_shipped(_: Event<ParcelShipped>) -> Result<Commit, Failure> { Ok(Commit::nothing()) }
    /// let print = tower::layer::layer_fn(|handler| {
    ///     tower::util::MapRequest::new(handler, |message: Message| {
    ///         println!("{} for the {}. time", message.event.id(), message.receive_count);
    ///         message
    ///     })
    /// });
    /// let consumer = Consumer::named("parcel-view").atomic(parcel_shipped).layer(print);
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HandlerService>,
        L::Service: Service<Message, Response = Effect> + Clone + Send + Sync + 'static,
        <L::Service as Service<Message>>::Error: Into<BoxError>,
        <L::Service as Service<Message>>::Future: Send + 'static,
    {
        for registered in self.handlers.values_mut() {
            let layered = layer.layer(registered.service.clone());
            registered.service = HandlerService::new(layered.map_err(Into::into));
        }
        self
    }

    /// How it works.
    #[must_use]
    pub fn with(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The event types it handles, sorted.
    #[must_use]
    pub fn event_types(&self) -> Vec<&'static str> {
        let mut types: Vec<_> = self.handlers.keys().copied().collect();
        types.sort_unstable();
        types
    }

    fn register<P: Payload>(mut self, service: HandlerService, recorded_in: RecordedIn) -> Self {
        let registered = Registered {
            service,
            schema_version: P::SCHEMA_VERSION,
            recorded_in,
        };
        self.handlers.insert(P::EVENT_TYPE, registered);
        self
    }
}
