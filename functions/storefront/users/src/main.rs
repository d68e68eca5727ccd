//! Lambda: the context users, behind its queue and its API.

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::{ContextConfig, SealingConfig, Wiring};
use onecommit_config::Reader;
use onecommit_engine::Key;
use onecommit_http::health::{Health, row_answers};
use onecommit_lambda::{no_tasks, serve_context};
use storefront_users::Users;

const NAME: &str = "users";

fn settings(reader: &mut Reader<'_>) -> (ContextConfig, SealingConfig) {
    (ContextConfig::named(NAME, reader), SealingConfig::read(reader))
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (config, sealing)) = Wiring::of_function(settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let (keys, kms_key) = (sealing.subject_keys, sealing.kms_key);
        let sealer = onecommit_aws::sealer(tables.clone(), keys, &wiring.session, kms_key, environment.clone());
        let health = Health::new(environment.clone()).required(
            "database",
            row_answers(tables.clone(), config.table.clone(), Key::new("userId", "health")),
        );
        let users = Users::new(
            tables.clone(),
            config.table,
            config.log.clone(),
            Arc::new(sealer),
            environment,
        );
        let api = users.api().merge(health.router());
        let (engine, queue) = wiring.consumer(tables, users.consumer(NAME), config.consumer);
        serve_context(engine.with_event_log(config.log), queue, api, no_tasks).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Users", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
