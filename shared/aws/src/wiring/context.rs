use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Table};

use crate::wiring::consumer::{ConsumerConfig, read_event_log};

const CONTEXT_TABLE_NAME: Setting =
    Setting::required("CONTEXT_TABLE_NAME", "Table of this context; no other context reads it");

/// The settings of a bounded context: a consumer with a table of its own, which appends events.
#[derive(Debug)]
#[non_exhaustive]
pub struct ContextConfig {
    /// The consumer of its commands and events. Its name in the ledger is the context's own, in code.
    pub consumer: ConsumerConfig,
    /// The context's own table.
    pub table: Table,
    /// Where its events go.
    pub log: EventLog,
}

impl ContextConfig {
    /// Reads it for the context of this name.
    pub fn named(name: &str, reader: &mut Reader<'_>) -> Self {
        Self {
            consumer: ConsumerConfig::named(name, reader),
            table: Table::new(reader.text(&CONTEXT_TABLE_NAME)),
            log: read_event_log(reader),
        }
    }
}
