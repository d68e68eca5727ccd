use onecommit::Table;
use onecommit::aws::Session;
use onecommit::config::{ConfigError, Reader, Setting, Variables};
use onecommit::telemetry::{LogLevel, read_level};

const LEDGER_TABLE_NAME: Setting = Setting::required("LEDGER_TABLE_NAME", "Table of handled messages");
const SHIPMENTS_TABLE_NAME: Setting = Setting::required("SHIPMENTS_TABLE_NAME", "Table of shipments");
const QUEUE_URL: Setting = Setting::required("QUEUE_URL", "URL of the queue");
const DLQ_URL: Setting = Setting::required("DLQ_URL", "URL of the dead-letter queue");

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) ledger: Table,
    pub(crate) shipments: Table,
    pub(crate) queue_url: String,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            ledger: Table::new(reader.text(&LEDGER_TABLE_NAME)),
            shipments: Table::new(reader.text(&SHIPMENTS_TABLE_NAME)),
            queue_url: reader.text(&QUEUE_URL),
            dead_letter_queue_url: reader.text(&DLQ_URL),
            log_level: read_level(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}
