use onecommit_aws::Session;
use onecommit_aws::{PublisherConfig, SUBJECT_KEYS_TABLE_NAME, VIEWS_TABLE_NAME, Wiring};
use onecommit_config::{Process, Reader, Setting};
use onecommit_engine::{EventLog, Table};

use crate::process::Failure;

const EVENTS_TABLE_NAME: Setting = Setting::required("EVENTS_TABLE_NAME", "Table of events");
const SAGAS_TABLE_NAME: Setting = Setting::required("SAGAS_TABLE_NAME", "Table of sagas");
const CIRCUITS_TABLE_NAME: Setting = Setting::required("CIRCUITS_TABLE_NAME", "Table of circuits and rate limits");
const ORCHESTRATOR_QUEUE_URL: Setting = Setting::required("ORCHESTRATOR_QUEUE_URL", "URL of the orchestrator's queue");
const API_KEYS_TABLE_NAME: Setting = Setting::required("API_KEYS_TABLE_NAME", "Table of API keys");

/// Reads what a command needs to know, and finds credentials where AWS tools look for them.
pub(crate) async fn wired<T>(settings: impl FnOnce(&mut Reader<'_>) -> T) -> Result<(Wiring, T), Failure> {
    let mut reader = Reader::new(&Process);
    let session = Session::read_all_but_credentials(&mut reader);
    let settings = settings(&mut reader);
    reader.finish()?;
    let session = onecommit_aws::credentials::load(session).await?;
    Ok((Wiring::on(session), settings))
}

pub(crate) fn events(reader: &mut Reader<'_>) -> EventLog {
    EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME)))
}

pub(crate) fn events_and_publisher(reader: &mut Reader<'_>) -> (EventLog, PublisherConfig) {
    (events(reader), PublisherConfig::read(reader))
}

pub(crate) fn subject_keys(reader: &mut Reader<'_>) -> Table {
    Table::new(reader.text(&SUBJECT_KEYS_TABLE_NAME))
}

pub(crate) fn views(reader: &mut Reader<'_>) -> Table {
    Table::new(reader.text(&VIEWS_TABLE_NAME))
}

pub(crate) fn sagas(reader: &mut Reader<'_>) -> Table {
    Table::new(reader.text(&SAGAS_TABLE_NAME))
}

pub(crate) fn circuits(reader: &mut Reader<'_>) -> (Table, EventLog) {
    (Table::new(reader.text(&CIRCUITS_TABLE_NAME)), events(reader))
}

pub(crate) fn sagas_and_queue(reader: &mut Reader<'_>) -> (Table, String) {
    (sagas(reader), reader.text(&ORCHESTRATOR_QUEUE_URL))
}

/// Where API keys are, and their events.
pub(crate) fn api_keys(reader: &mut Reader<'_>) -> (Table, EventLog) {
    (Table::new(reader.text(&API_KEYS_TABLE_NAME)), events(reader))
}

#[cfg(test)]
mod tests {
    use onecommit_aws::RebuildConfig;

    use super::*;

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let mut reader = Reader::new(&[]);
        Session::read_all_but_credentials(&mut reader);
        events_and_publisher(&mut reader);
        subject_keys(&mut reader);
        sagas_and_queue(&mut reader);
        api_keys(&mut reader);
        circuits(&mut reader);
        RebuildConfig::read(&mut reader);
        let wrong = onecommit_config::documentation::differences(page, "Operator", reader.settings());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_rebuild_requires_no_queue() {
        let mut reader = Reader::new(&[]);
        RebuildConfig::read(&mut reader);
        assert!(reader.settings().iter().all(|setting| !setting.name.contains("QUEUE")));
    }
}
