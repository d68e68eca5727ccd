use std::sync::Arc;

use onecommit_commit::{Consumer, Database, Engine, EventLog, Ledger, Settings, Table};
use onecommit_config::{Reader, Setting};
use onecommit_environment::Environment;
use onecommit_telemetry::LogLevel;

use crate::{CLAIM_CHECK_BUCKET, CONSUMER_DLQ_URL, CONSUMER_QUEUE_URL};

const CONTEXT_TABLE_NAME: Setting =
    Setting::required("CONTEXT_TABLE_NAME", "Table of this context; no other context reads it");

/// What a bounded context needs to know, but for how to reach AWS. Its name in the ledger is the context's own, in code.
#[derive(Debug)]
pub struct ContextConfig {
    /// The context's own table.
    pub table: Table,
    /// Where its events go.
    pub log: EventLog,
    /// Where handled messages are remembered, and for how long.
    pub ledger: Ledger,
    /// The queue's URL.
    pub queue_url: String,
    /// The dead-letter queue's URL.
    pub dead_letter_queue_url: String,
    /// Where payloads are that were too large for a message.
    pub claim_check_bucket: Option<String>,
    /// How the engine works.
    pub settings: Settings,
    /// How much is logged.
    pub log_level: LogLevel,
}

impl ContextConfig {
    /// Reads it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            table: Table::new(reader.text(&CONTEXT_TABLE_NAME)),
            log: crate::read_event_log(reader),
            ledger: crate::ledger(reader),
            queue_url: reader.text(&CONSUMER_QUEUE_URL),
            dead_letter_queue_url: reader.text(&CONSUMER_DLQ_URL),
            claim_check_bucket: reader.text_if_set(&CLAIM_CHECK_BUCKET),
            settings: crate::settings(reader),
            log_level: onecommit_telemetry::read_level(reader),
        }
    }

    /// The engine that handles the context's messages so.
    #[must_use]
    pub fn engine(&self, consumer: Consumer, database: Arc<dyn Database>, environment: Environment) -> Engine {
        let consumer = consumer.with(self.settings.clone());
        Engine::new(consumer, database, self.ledger.clone(), environment).with_event_log(self.log.clone())
    }
}
