//! Lambda: the context orders, behind its queue and its API.

use std::process::ExitCode;
use std::time::Duration;

use onecommit_aws::{ContextConfig, VIEWS_TABLE_NAME, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_event_store::EventStore;
use onecommit_http::health::{Health, query_answers};
use onecommit_lambda::{no_tasks, serve_context};
use onecommit_views::{REFRESH_MAX, ViewControl};
use storefront_orders::{OrderLists, Orders};

const NAME: &str = "orders";

const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the active generation of a view is read again; at most 60",
);

struct Settings {
    context: ContextConfig,
    views: Table,
    refresh: Duration,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        context: ContextConfig::named(NAME, reader),
        views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
        refresh: Duration::from_secs(reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs())),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let config = settings.context;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let store = EventStore::new(tables.clone(), config.log.clone(), environment.clone());
        let control = ViewControl::new(tables.clone(), settings.views, environment.clone());
        let lists = OrderLists::new(tables.clone(), control, settings.refresh)?;
        let query = config.log.table().query("stream", "Order#health");
        let health = Health::new(environment.clone()).required("database", query_answers(tables.clone(), query));
        let orders = Orders::new(store, environment);
        let api = orders.api_with_lists(lists).merge(health.router());
        let (engine, queue) = wiring.consumer(tables, orders.consumer(NAME), config.consumer);
        serve_context(engine.with_event_log(config.log), queue, api, no_tasks).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Orders", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
