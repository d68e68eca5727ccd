//! Lambda: keeps the views of orders that can be rebuilt from the store.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use onecommit_aws::{ConsumerConfig, EVENTS_TABLE_NAME, VIEWS_TABLE_NAME, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Table, TableReader};
use onecommit_views::{EngineFactory, Projector, REFRESH_MAX, ViewControl};

const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the projector reads again which generations of its views to keep; at most 60",
);

struct Settings {
    consumer: ConsumerConfig,
    views: Table,
    events: EventLog,
    refresh: Duration,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        consumer: ConsumerConfig::read(reader),
        views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
        events: EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME))),
        refresh: Duration::from_secs(reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs())),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let config = settings.consumer;
        let (queue, payloads) = wiring.queue(&config);
        let tables = wiring.tables();
        let mut engines =
            EngineFactory::new(tables.clone(), config.ledger, wiring.environment.clone()).with(config.settings);
        if let Some(payloads) = payloads {
            engines = engines.with_claim_checks(payloads);
        }
        let rows: Arc<dyn TableReader> = tables.clone();
        let control = ViewControl::new(tables, settings.views, wiring.environment);
        let views = storefront_views::storefront(&rows);
        let projector = Projector::new(views, engines, control, settings.refresh)?.catching_up_from(settings.events);
        onecommit_lambda::serve_projector(config.name, projector, queue).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Projector", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
