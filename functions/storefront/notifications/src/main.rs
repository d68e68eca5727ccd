//! Lambda: the context notifications, behind its queue and its API.

mod couriers;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::{ContextConfig, SealingConfig, Wiring};
use onecommit_config::{Reader, Setting};
use onecommit_engine::Key;
use onecommit_http::health::{Health, row_answers};
use onecommit_lambda::{no_tasks, serve_context};
use storefront_notifications::{ByChannel, Notifications};

use crate::couriers::{SesEmail, SnsDirect};

const NAME: &str = "notifications";

const EMAIL_SENDER: Setting = Setting::required("EMAIL_SENDER", "Address that e-mails are sent from, verified in SES");

struct Settings {
    context: ContextConfig,
    sealing: SealingConfig,
    sender: String,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        context: ContextConfig::named(NAME, reader),
        sealing: SealingConfig::read(reader),
        sender: reader.text(&EMAIL_SENDER),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let (config, sealing) = (settings.context, settings.sealing);
        let (tables, session, environment) = (wiring.tables(), &wiring.session, wiring.environment.clone());
        let (keys, kms_key) = (sealing.subject_keys, sealing.kms_key);
        let sealer = onecommit_aws::sealer(tables.clone(), keys, session, kms_key, environment.clone());
        let phones_and_apps = Arc::new(SnsDirect::new(session));
        let courier = Arc::new(ByChannel {
            email: Arc::new(SesEmail::new(session, settings.sender)),
            sms: phones_and_apps.clone(),
            push: phones_and_apps,
        });
        let health = Health::new(environment.clone()).required(
            "database",
            row_answers(tables.clone(), config.table.clone(), Key::of_view("health", "health")),
        );
        let notifications = Notifications::new(tables.clone(), config.table, courier, Arc::new(sealer), environment);
        let api = notifications.api().merge(health.router());
        let (engine, queue) = wiring.consumer(tables, notifications.consumer(NAME), config.consumer);
        serve_context(engine.with_event_log(config.log), queue, api, no_tasks).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Notifications", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
