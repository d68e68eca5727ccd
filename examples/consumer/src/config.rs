use onecommit::Table;
use onecommit::aws::Session;
use onecommit::config::{ConfigError, ConsumerConfig, Reader, Setting, Variables};

const SHIPMENTS_TABLE_NAME: Setting = Setting::required("SHIPMENTS_TABLE_NAME", "Table of shipments");

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) consumer: ConsumerConfig,
    pub(crate) shipments: Table,
}

impl Config {
    /// Reads it, and reports everything that is missing or wrong at once.
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            consumer: ConsumerConfig::read(&mut reader),
            shipments: Table::new(reader.text(&SHIPMENTS_TABLE_NAME)),
        };
        reader.finish().map(|()| config)
    }
}
