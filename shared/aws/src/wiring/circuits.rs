use std::sync::Arc;

use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Table, TableReader, TableWriter};
use onecommit_environment::Environment;
use onecommit_resilience::fleet::TableCircuits;
use onecommit_resilience::{Noted, ProcessCircuits, Watch};

use crate::wiring::consumer::PENDING_MARKS;

const CIRCUITS_TABLE_NAME: Setting = Setting::optional(
    "CIRCUITS_TABLE_NAME",
    "",
    "Table of circuits that all processes share; without it, each process has circuits of its own",
);
const EVENTS_TABLE_NAME: Setting = Setting::optional(
    "EVENTS_TABLE_NAME",
    "",
    "Table of events, where changes of shared circuits are appended; needed with `CIRCUITS_TABLE_NAME`",
);

/// Whether a process shares its circuits, and where.
#[derive(Clone, Debug)]
pub struct CircuitsConfig {
    shared: Option<(Table, EventLog)>,
}

impl CircuitsConfig {
    /// Reads it for a process that appends no events of its own.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let events = reader.text_if_set(&EVENTS_TABLE_NAME);
        let is_marking = reader.choice(&PENDING_MARKS, &[("on", true), ("off", false)]);
        let shared = reader.parsed(&CIRCUITS_TABLE_NAME, |circuits| {
            let events = events.ok_or("used without EVENTS_TABLE_NAME, the table for the events of its circuits")?;
            let log = EventLog::new(Table::new(events));
            let log = if is_marking { log.with_pending_marks() } else { log };
            Ok::<_, &str>((Table::new(circuits), log))
        });
        Self { shared }
    }

    /// Reads it for a process that appends other events to this log already.
    pub fn with_log(log: EventLog, reader: &mut Reader<'_>) -> Self {
        let table = reader.text_if_set(&CIRCUITS_TABLE_NAME);
        Self {
            shared: table.map(|table| (Table::new(table), log)),
        }
    }

    /// Whether there is a table for them: only then a process needs to reach it.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The circuits of a process that goes by the name of `caller` in metrics: shared where there are a table for them and
    /// `tables` to reach it through, and its own otherwise. What becomes of them is counted in metrics.
    #[must_use]
    pub fn circuits<D>(&self, caller: &str, tables: Option<Arc<D>>, environment: &Environment) -> ProcessCircuits
    where
        D: TableReader + TableWriter + 'static,
    {
        let circuits = match (&self.shared, tables) {
            (Some((table, log)), Some(tables)) => {
                let fleet = TableCircuits::new(tables, table.clone(), log.clone(), environment.clone());
                ProcessCircuits::shared(Arc::new(fleet), environment.clone())
            }
            _ => ProcessCircuits::local(environment.clone()),
        };
        circuits.watched(Arc::new(Metrics {
            caller: caller.to_owned(),
            environment: environment.clone(),
        }))
    }
}

/// Counts what becomes of circuits.
struct Metrics {
    caller: String,
    environment: Environment,
}

impl Watch for Metrics {
    fn note(&self, circuit: &str, noted: Noted) {
        let now = self.environment.clock().now();
        onecommit_telemetry::emit_circuit(&self.caller, circuit, metric_of(noted), now);
    }
}

fn metric_of(noted: Noted) -> &'static str {
    match noted {
        Noted::FleetOpened => "CircuitOpened",
        Noted::FleetHalfOpened => "CircuitHalfOpened",
        Noted::FleetClosed => "CircuitClosed",
        Noted::Opened => "OwnCircuitOpened",
        Noted::Closed => "OwnCircuitClosed",
        Noted::NotClosed => "CircuitNotClosed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<bool, String> {
        let mut reader = Reader::new(&variables);
        let config = CircuitsConfig::read(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        Ok(config.are_shared())
    }

    #[test]
    fn circuits_are_shared_only_with_a_table_for_them_and_one_for_their_events() {
        let (circuits, events) = (("CIRCUITS_TABLE_NAME", "circuits"), ("EVENTS_TABLE_NAME", "events"));
        assert_eq!(read([]), Ok(false));
        assert_eq!(read([events]), Ok(false));
        assert_eq!(read([circuits, events]), Ok(true));
        let error = read([circuits]).unwrap_err();
        assert!(
            error.contains("CIRCUITS_TABLE_NAME") && error.contains("EVENTS_TABLE_NAME"),
            "{error}"
        );
    }
}
