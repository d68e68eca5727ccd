//! Lambda: the context orders, behind its queue and its API.

use std::process::ExitCode;

use onecommit_aws::{ContextConfig, Wiring};
use onecommit_config::Reader;
use onecommit_event_store::EventStore;
use onecommit_http::health::{Health, query_answers};
use onecommit_lambda::{no_tasks, serve_context};
use storefront_orders::Orders;

const NAME: &str = "orders";

fn settings(reader: &mut Reader<'_>) -> ContextConfig {
    ContextConfig::named(NAME, reader)
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, config) = Wiring::of_function(settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let store = EventStore::new(tables.clone(), tables.clone(), config.log.clone(), environment.clone());
        let query = config.log.table().query("stream", "Order#health");
        let health = Health::new(environment.clone()).required("database", query_answers(tables.clone(), query));
        let orders = Orders::new(store, environment);
        let api = orders.api().merge(health.router());
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
