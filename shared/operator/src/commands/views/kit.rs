//! What tests of views need: a store with a parcel, a clock that can be moved, and rebuilds of one view.

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{Deadline, Ledger, Table};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Metadata, NewEvent, Payload};
use onecommit_event_store::EventStore;
use onecommit_testing::{MemoryDatabase, VirtualClock, delivery_of};
use onecommit_views::{EngineFactory, Next, Phase, Projector, REFRESH, Rebuild, ViewControl, ViewName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::kit::{ParcelPosted, Screen, a_store_with_a_parcel_in, log, parcel, views_of_parcels};
use crate::known::KnownViews;

pub(crate) fn by_carrier() -> ViewName {
    ViewName::new("parcels-by-carrier").unwrap()
}

/// The first event of a parcel, as code to come may write it.
#[derive(Serialize, Deserialize)]
struct NewerParcelPosted {}

impl Payload for NewerParcelPosted {
    const EVENT_TYPE: &'static str = ParcelPosted::EVENT_TYPE;
    const SCHEMA_VERSION: u32 = ParcelPosted::SCHEMA_VERSION + 1;
}

pub(crate) struct World {
    tables: Arc<MemoryDatabase>,
    store: EventStore,
    environment: Environment,
}

impl World {
    pub(crate) async fn with_a_parcel() -> Self {
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
        let (tables, store) = a_store_with_a_parcel_in(environment.clone()).await;
        Self {
            tables,
            store,
            environment,
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn control(&self) -> ViewControl {
        let (tables, environment) = (self.tables.clone(), self.environment.clone());
        ViewControl::new(tables, Table::new("views"), environment)
    }

    pub(crate) fn views(&self) -> KnownViews {
        KnownViews::new(views_of_parcels())
    }

    pub(crate) fn rebuild(&self) -> Rebuild {
        let definition = self.views().find(&by_carrier()).unwrap();
        Rebuild::new(definition, self.engines(), self.control(), log()).unwrap()
    }

    /// The rebuild of a process that stopped before its end.
    pub(crate) async fn leave_a_rebuild_behind(&self) {
        let stop = |so_far: &onecommit_views::Progress| match so_far.phase {
            Phase::Announced => Next::GoOn,
            Phase::Replaying => Next::Pause,
        };
        self.rebuild().run(stop).await.unwrap();
    }

    /// What a projector does: it handles the parcel's events as they come.
    pub(crate) async fn keep(&self) {
        let projector = Projector::new(views_of_parcels(), self.engines(), self.control(), REFRESH).unwrap();
        let mut events = self.store.read(&parcel("p-1"), 1);
        while let Some(event) = events.next().await.unwrap() {
            projector
                .handle(&[delivery_of("m-1", event.to_json())], Deadline::none())
                .await;
        }
    }

    /// Its handlers know an older one only.
    pub(crate) async fn store_a_parcel_of_a_newer_schema(&self, id: &str) {
        let newer = NewEvent::of(&NewerParcelPosted {}).unwrap();
        let cause = Metadata::starting("request-2");
        self.store.append(&parcel(id), 0, vec![newer], &cause).await.unwrap();
    }

    pub(crate) async fn wait(&self, duration: Duration) {
        self.environment.clock().sleep(duration).await;
    }

    /// The status of the view that is rebuilt, as programs see it.
    pub(crate) async fn status(&self) -> Value {
        let mut screen = Screen::default();
        super::status(&self.control(), &self.views(), &mut screen.for_programs())
            .await
            .unwrap();
        let lines = screen.output();
        let mut lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["name"] == by_carrier().as_str()).unwrap()
    }

    fn engines(&self) -> EngineFactory {
        let ledger = Ledger::new(Table::new("ledger"));
        EngineFactory::new(self.tables.clone(), ledger, self.environment.clone())
    }
}
