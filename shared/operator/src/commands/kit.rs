//! What tests of commands need: a parcel in a store in memory, views of parcels, and a screen to look at.

use std::io::Cursor;
use std::sync::Arc;

use onecommit_engine::{Consumer, EventLog, Failure, SequencedUpdate, Table};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, Metadata, Payload};
use onecommit_event_store::{Decider, EventStore, domain_events};
use onecommit_testing::MemoryDatabase;
use onecommit_views::{ViewDefinition, ViewRows};
use serde::{Deserialize, Serialize};

use crate::terminal::Terminal;

#[derive(Default)]
pub(crate) struct Screen {
    input: String,
    output: Vec<u8>,
    notes: Vec<u8>,
}

impl Screen {
    pub(crate) fn with_input(input: impl Into<String>) -> Self {
        Self {
            input: input.into(),
            ..Self::default()
        }
    }

    pub(crate) fn for_people(&mut self) -> Terminal<'_> {
        Terminal {
            program: "parcels",
            json: false,
            input: Box::new(Cursor::new(self.input.as_bytes())),
            output: Box::new(&mut self.output),
            notes: Box::new(&mut self.notes),
        }
    }

    pub(crate) fn for_programs(&mut self) -> Terminal<'_> {
        Terminal {
            json: true,
            ..self.for_people()
        }
    }

    pub(crate) fn output(&self) -> String {
        String::from_utf8(self.output.clone()).unwrap()
    }

    pub(crate) fn notes(&self) -> String {
        String::from_utf8(self.notes.clone()).unwrap()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParcelPosted {
    pub(crate) carrier: String,
}

impl Payload for ParcelPosted {
    const EVENT_TYPE: &'static str = "ParcelPosted";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParcelCollected {}

impl Payload for ParcelCollected {
    const EVENT_TYPE: &'static str = "ParcelCollected";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParcelDelivered {}

impl Payload for ParcelDelivered {
    const EVENT_TYPE: &'static str = "ParcelDelivered";
}

domain_events! {
    pub(crate) enum ParcelEvent {
        Posted(ParcelPosted),
        Collected(ParcelCollected),
        Delivered(ParcelDelivered),
    }
}

/// An aggregate whose command is the event that it causes.
pub(crate) struct Parcel;

#[derive(Default, Serialize)]
pub(crate) struct ParcelState {
    carrier: String,
    status: &'static str,
}

impl Decider for Parcel {
    const AGGREGATE_TYPE: &'static str = "Parcel";
    type State = ParcelState;
    type Command = ParcelEvent;
    type Event = ParcelEvent;
    type Rejection = std::convert::Infallible;

    fn decide(_state: &ParcelState, command: &ParcelEvent) -> Result<Vec<ParcelEvent>, Self::Rejection> {
        Ok(vec![command.clone()])
    }

    fn evolve(state: ParcelState, event: &ParcelEvent) -> ParcelState {
        match event {
            ParcelEvent::Posted(posted) => ParcelState {
                carrier: posted.carrier.clone(),
                status: "posted",
            },
            ParcelEvent::Collected(_) => ParcelState {
                status: "collected",
                ..state
            },
            ParcelEvent::Delivered(_) => ParcelState {
                status: "delivered",
                ..state
            },
        }
    }
}

/// A row per parcel: which carrier has it.
struct ByCarrier;

impl ViewDefinition for ByCarrier {
    fn name(&self) -> &str {
        "parcels-by-carrier"
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.sequenced(move |event: &Event<ParcelPosted>| -> Result<SequencedUpdate, Failure> {
            let row = rows.update(event.aggregate().id(), "parcel");
            Ok(SequencedUpdate::last_value(
                row.set("carrier", &event.payload().carrier),
            ))
        })
    }
}

/// A view that no test keeps or rebuilds.
struct Deliveries;

impl ViewDefinition for Deliveries {
    fn name(&self) -> &str {
        "deliveries"
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.sequenced(
            move |event: &Event<ParcelDelivered>| -> Result<SequencedUpdate, Failure> {
                let row = rows.update(event.aggregate().id(), "delivery");
                Ok(SequencedUpdate::last_value(row.set("delivered", true)))
            },
        )
    }
}

pub(crate) fn views_of_parcels() -> Vec<Arc<dyn ViewDefinition>> {
    vec![Arc::new(ByCarrier), Arc::new(Deliveries)]
}

pub(crate) fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

pub(crate) fn parcel(id: &str) -> Aggregate {
    Aggregate::new("Parcel", id).unwrap()
}

/// Parcel#p-1 was posted, collected and delivered.
pub(crate) async fn a_store_with_a_parcel() -> (Arc<MemoryDatabase>, EventStore) {
    a_store_with_a_parcel_in(Environment::system()).await
}

/// The same at the time of this environment.
pub(crate) async fn a_store_with_a_parcel_in(environment: Environment) -> (Arc<MemoryDatabase>, EventStore) {
    let tables = Arc::new(MemoryDatabase::default());
    let store = EventStore::new(tables.clone(), log(), environment);
    let posted = ParcelPosted {
        carrier: "DHL".to_owned(),
    };
    let happened: [ParcelEvent; 3] = [posted.into(), ParcelCollected {}.into(), ParcelDelivered {}.into()];
    for event in happened {
        let cause = Metadata::starting("request-1");
        store.execute::<Parcel>(&parcel("p-1"), &event, &cause).await.unwrap();
    }
    (tables, store)
}
