//! Lambda: the context payments, behind its queue and its API.

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::{ContextConfig, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_lambda::{no_tasks, serve_context};
use storefront_payments::{LocalProvider, Payments};

const NAME: &str = "payments";

const PROVIDER_TABLE_NAME: Setting = Setting::required("PROVIDER_TABLE_NAME", "Table of the local payment provider");
const PROVIDER_BEHAVIOUR_API: Setting = Setting::optional(
    "PROVIDER_BEHAVIOUR_API",
    "off",
    "Whether the API lets callers set the behaviour of the local payment provider: `on` or `off`",
);

struct Settings {
    context: ContextConfig,
    provider_table: Table,
    has_behaviour_api: bool,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        context: ContextConfig::named(NAME, reader),
        provider_table: Table::new(reader.text(&PROVIDER_TABLE_NAME)),
        has_behaviour_api: reader.choice(&PROVIDER_BEHAVIOUR_API, &[("on", true), ("off", false)]),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let config = settings.context;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let provider = LocalProvider::new(&tables, settings.provider_table, config.log.clone(), environment);
        let payments = Payments::new(tables.clone(), config.table, Arc::new(provider.clone()));
        let mut api = payments.api();
        if settings.has_behaviour_api {
            api = api.merge(provider.api());
        }
        let (engine, queue) = wiring.consumer(tables, payments.consumer(NAME), config.consumer);
        serve_context(engine.with_event_log(config.log), queue, api, no_tasks).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Payments", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
