//! Lambda: the context payments, behind its queue and its API.

use std::future::ready;
use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::{CircuitsConfig, ContextConfig, Wiring};
use onecommit_client::{
    Address, ApiKey, CLIENT_CA_BUNDLE as CA_BUNDLE, Circuit, CircuitSettings, CircuitSettingsFault, Client,
    ClientSettings, HttpTransport, ProcessCircuits, RootCertificates,
};
use onecommit_config::{Reader, Setting};
use onecommit_engine::{Key, Table};
use onecommit_environment::Environment;
use onecommit_http::health::{Health, row_answers, unless_open};
use onecommit_lambda::{Last, no_tasks, serve_context_until};
use storefront_payments::{HttpProvider, LocalProvider, PROVIDER, PaymentProvider, Payments};

const NAME: &str = "payments";

const PROVIDER_TABLE_NAME: Setting = Setting::required("PROVIDER_TABLE_NAME", "Table of the local payment provider");
const PROVIDER_BEHAVIOUR_API: Setting = Setting::optional(
    "PROVIDER_BEHAVIOUR_API",
    "off",
    "Whether the API lets callers set the behaviour of the local payment provider: `on` or `off`",
);

const PAYMENT_PROVIDER_URL: Setting = Setting::optional(
    "PAYMENT_PROVIDER_URL",
    "",
    "Address of the payment provider outside; without it the local provider plays one, which takes no money",
);
const PAYMENT_PROVIDER_API_KEY: Setting = Setting::optional(
    "PAYMENT_PROVIDER_API_KEY",
    "",
    "Key that the payment provider outside wants in `X-API-Key`",
);
const CLIENT_CA_BUNDLE: Setting = Setting::optional(
    CA_BUNDLE,
    "",
    "File of root certificates in PEM for calls of other services, in place of the operating system's",
);

struct Settings {
    context: ContextConfig,
    provider_table: Table,
    has_behaviour_api: bool,
    provider: Option<Outside>,
    circuits: CircuitsConfig,
}

/// A provider outside.
struct Outside {
    address: Address,
    key: Option<ApiKey>,
    roots: RootCertificates,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    let context = ContextConfig::named(NAME, reader);
    Settings {
        circuits: CircuitsConfig::with_log(context.log.clone(), reader),
        context,
        provider_table: Table::new(reader.text(&PROVIDER_TABLE_NAME)),
        has_behaviour_api: reader.choice(&PROVIDER_BEHAVIOUR_API, &[("on", true), ("off", false)]),
        provider: outside(reader),
    }
}

fn outside(reader: &mut Reader<'_>) -> Option<Outside> {
    // Not quoted when it is wrong: it may be so because it holds a password.
    let address = reader.secret(&PAYMENT_PROVIDER_URL, |address| Address::fixed(PROVIDER, address));
    let key = reader.secret(&PAYMENT_PROVIDER_API_KEY, ApiKey::new);
    let roots = reader.parsed(&CLIENT_CA_BUNDLE, RootCertificates::read);
    Some(Outside {
        address: address?,
        key,
        roots: roots.unwrap_or_default(),
    })
}

impl Outside {
    /// One client for the life of the process: connections, the budget of retries and the circuit outlast a message.
    fn client(
        self,
        circuits: &ProcessCircuits,
        environment: Environment,
    ) -> Result<(Client, Circuit), CircuitSettingsFault> {
        // Five failures in a row, 30 s. Commands meanwhile are redelivered.
        let circuit = circuits.circuit(PROVIDER, CircuitSettings::default())?;
        let settings = ClientSettings {
            // What became of a payment is asked for anew each time.
            cache: None,
            identity: self.key.map(|key| Arc::new(key) as _),
            circuit: Some(circuit.clone()),
            ..ClientSettings::default()
        };
        let transport = HttpTransport::new(self.roots);
        Ok((Client::new(transport, self.address, settings, environment), circuit))
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let config = settings.context;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let local = LocalProvider::new(
            tables.clone(),
            settings.provider_table,
            config.log.clone(),
            environment.clone(),
        );
        let mut health = Health::new(environment.clone()).required(
            "database",
            row_answers(tables.clone(), config.table.clone(), Key::new("paymentId", "health")),
        );
        let circuits = settings.circuits.circuits(NAME, Some(tables.clone()), &environment);
        let provider: Arc<dyn PaymentProvider> = match settings.provider {
            Some(outside) => {
                let (client, circuit) = outside.client(&circuits, environment)?;
                // Its address is not one to ask for its health: what is known is what became of its calls.
                let closed = unless_open(
                    move || matches!(circuit.state(), "open" | "forcedOpen"),
                    || ready(Ok(())),
                );
                health = health.optional("provider", closed);
                Arc::new(HttpProvider::new(client))
            }
            None => Arc::new(local.clone()),
        };
        let payments = Payments::new(tables.clone(), config.table, provider);
        let mut api = payments.api();
        if settings.has_behaviour_api {
            api = api.merge(local.api());
        }
        let (engine, queue) = wiring.consumer(tables, payments.consumer(NAME), config.consumer);
        let last = Last::of(move || circuits.clone().finish());
        serve_context_until(
            engine.with_event_log(config.log),
            queue,
            api.merge(health.router()),
            no_tasks,
            last,
        )
        .await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_wrong_provider_is_reported_with_all_else_and_its_key_is_not_quoted() {
        let variables = [
            ("PAYMENT_PROVIDER_URL", "https://shop:s3cr3t@payments.example"),
            ("PAYMENT_PROVIDER_API_KEY", "s3cr3t\n"),
            ("CLIENT_CA_BUNDLE", "/nowhere/roots.pem"),
        ];
        let mut reader = onecommit_config::Reader::new(&variables);
        assert!(super::outside(&mut reader).is_none());
        let error = reader.finish().unwrap_err();
        assert_eq!(error.problems().len(), 3, "{error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Payments", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
