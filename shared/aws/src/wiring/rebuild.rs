use onecommit_config::Reader;
use onecommit_engine::{EventLog, Ledger, Settings, Table};

use crate::wiring::consumer::{EVENTS_TABLE_NAME, VIEWS_TABLE_NAME, ledger, settings};

/// What the rebuild of a view needs to know, but for how to reach AWS: what its projector does, without the queue. Nor
/// does it claim payloads, since the store holds all of them.
#[derive(Debug)]
pub struct RebuildConfig {
    /// Where the views are.
    pub views: Table,
    /// The events to rebuild them from.
    pub events: EventLog,
    /// Where handled messages are remembered, and for how long.
    pub ledger: Ledger,
    /// How the engine works.
    pub settings: Settings,
}

impl RebuildConfig {
    /// Reads it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            events: EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME))),
            ledger: ledger(reader),
            settings: settings(reader),
        }
    }
}
