//! Lambda: the catalog's queue, API and schedule.

use std::process::ExitCode;
use std::time::Duration;

use onecommit_aws::{ContextConfig, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::{Key, Table};
use onecommit_http::health::{Health, row_answers};
use onecommit_http::limited;
use onecommit_lambda::{ScheduledTask, serve_context, unknown_task};
use onecommit_resilience::RateLimits;
use serde_json::json;
use storefront_catalog::{Catalog, EXPIRE_RESERVATIONS, NAME};

const RESERVATION_TTL_S: Setting = Setting::optional(
    "RESERVATION_TTL_S",
    "172800",
    "Seconds a reservation holds stock without a confirmed order; longer than any order takes, an outage included",
);

const RATE_LIMITS_TABLE_NAME: Setting = Setting::optional(
    "RATE_LIMITS_TABLE_NAME",
    "",
    "Table of the rates that API keys are held to, key `keyId`; without it they are not",
);

struct Settings {
    context: ContextConfig,
    hold_for: Duration,
    rate_limits: Option<Table>,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        hold_for: Duration::from_secs(reader.whole_number(&RESERVATION_TTL_S, 1..=30 * 86_400)),
        context: ContextConfig::named(NAME, reader),
        rate_limits: reader.text_if_set(&RATE_LIMITS_TABLE_NAME).map(Table::new),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let (tables, environment, config) = (wiring.tables(), wiring.environment.clone(), settings.context);
        let health = Health::new(environment.clone()).required(
            "database",
            row_answers(tables.clone(), config.table.clone(), Key::of_view("health", "health")),
        );
        let catalog = Catalog::new(tables.clone(), config.table, config.log.clone(), environment.clone());
        let catalog = catalog.holding_for(settings.hold_for);
        let api = match settings.rate_limits {
            Some(table) => limited(
                catalog.api(),
                RateLimits::new(tables.clone(), table, "keyId", environment),
            ),
            None => catalog.api(),
        };
        let (engine, queue) = wiring.consumer(tables, catalog.consumer(), config.consumer);
        let scheduled = async |task: ScheduledTask| match task.name.as_str() {
            EXPIRE_RESERVATIONS => Ok(json!(catalog.expire_reservations(task.deadline).await?)),
            _ => Err(unknown_task(&task)),
        };
        serve_context(
            engine.with_event_log(config.log),
            queue,
            api.merge(health.router()),
            scheduled,
        )
        .await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Catalog", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
