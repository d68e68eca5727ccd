//! Lambda: the catalog's queue, API and schedule.

use std::process::ExitCode;
use std::time::Duration;

use onecommit_aws::{ContextConfig, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_lambda::{ScheduledTask, serve_context, unknown_task};
use serde_json::json;
use storefront_catalog::{Catalog, EXPIRE_RESERVATIONS, NAME};

const RESERVATION_TTL_S: Setting = Setting::optional(
    "RESERVATION_TTL_S",
    "172800",
    "Seconds a reservation holds stock without a confirmed order; longer than any order takes, an outage included",
);

fn settings(reader: &mut Reader<'_>) -> (ContextConfig, Duration) {
    let hold_for = Duration::from_secs(reader.whole_number(&RESERVATION_TTL_S, 1..=30 * 86_400));
    (ContextConfig::named(NAME, reader), hold_for)
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (config, hold_for)) = Wiring::of_function(settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let catalog = Catalog::new(&tables, config.table, config.log.clone(), environment).holding_for(hold_for);
        let (engine, queue) = wiring.consumer(tables, catalog.consumer(), config.consumer);
        let scheduled = async |task: ScheduledTask| match task.name.as_str() {
            EXPIRE_RESERVATIONS => Ok(json!(catalog.expire_reservations(task.deadline).await?)),
            _ => Err(unknown_task(&task)),
        };
        serve_context(engine.with_event_log(config.log), queue, catalog.api(), scheduled).await
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
