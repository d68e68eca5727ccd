//! The settings of the front door.

use std::net::SocketAddr;
use std::time::Duration;

use onecommit_aws::{CircuitsConfig, Session, Wiring};
use onecommit_callers::ServiceTokens;
use onecommit_client::{Address, CLIENT_CA_BUNDLE as CA_BUNDLE, HttpTransport, ProcessCircuits, RootCertificates};
use onecommit_config::{Reader, Setting};
use onecommit_environment::Environment;
use onecommit_tokens::{Algorithm, InvalidKey, Scopes, SigningKey, TokenSigner, TokenVerifier};
use storefront_bff::{Addresses, BffSettings, LocalIssuer, Origin};
use storefront_viewer::SessionSettings;

const CATALOG_API_URL: Setting = Setting::required("CATALOG_API_URL", "Base address of the catalog's API");
const ORDERS_API_URL: Setting = Setting::required("ORDERS_API_URL", "Base address of the API of orders");
const USERS_API_URL: Setting = Setting::required("USERS_API_URL", "Base address of the API of users");
const NOTIFICATIONS_API_URL: Setting =
    Setting::required("NOTIFICATIONS_API_URL", "Base address of the API of notifications");
const RECOMMENDATIONS_API_URL: Setting =
    Setting::required("RECOMMENDATIONS_API_URL", "Base address of the API of recommendations");
const CATALOG_GRPC_URL: Setting = Setting::optional(
    "CATALOG_GRPC_URL",
    "",
    "Address of the catalog over gRPC, such as `http://catalog-grpc.internal:50051`; without it `POST /inventory/check` is 503",
);
const SERVICE_TOKEN_ISSUER: Setting = Setting::optional(
    "SERVICE_TOKEN_ISSUER",
    "",
    "Issuer of the tokens that this service signs for the catalog over gRPC; without it none is sent",
);
const SERVICE_TOKEN_KEY: Setting = Setting::optional(
    "SERVICE_TOKEN_KEY",
    "",
    "Private Ed25519 key of that issuer in PEM (PKCS#8), a secret",
);
const SERVICE_TOKEN_KEY_ID: Setting = Setting::optional(
    "SERVICE_TOKEN_KEY_ID",
    "bff",
    "Name of that key in the issuer's JSON Web Key Set",
);
const SERVICE_TOKEN_AUDIENCE: Setting = Setting::optional(
    "SERVICE_TOKEN_AUDIENCE",
    "catalog",
    "Audience of those tokens: `TOKEN_AUDIENCE` of the catalog over gRPC",
);
const CLIENT_CA_BUNDLE: Setting = Setting::optional(
    CA_BUNDLE,
    "",
    "File of root certificates in PEM for calls of other services, in place of the operating system's",
);
const STAGE: Setting = Setting::optional("STAGE", "", "The stage; on `local` alone anybody may be signed in");
const BFF_ORIGIN: Setting = Setting::optional(
    "BFF_ORIGIN",
    "",
    "Origin of the pages, such as `https://shop.example`; without it, the host that a request names",
);
const BFF_LISTEN: Setting = Setting::optional(
    "BFF_LISTEN",
    "",
    "Address and port to serve on as a process, such as `127.0.0.1:8700`; without it, it is a Lambda function",
);
const DASHBOARD_DEADLINE_MS: Setting = Setting::optional(
    "DASHBOARD_DEADLINE_MS",
    "800",
    "Milliseconds that the dashboard waits for each of its services",
);
const UPDATES_EVERY_MS: Setting = Setting::optional(
    "UPDATES_EVERY_MS",
    "500",
    "Milliseconds between two reads of an order that somebody watches",
);
const UPDATES_MAX: Setting = Setting::optional(
    "UPDATES_MAX",
    "1000",
    "Most orders that are watched at once in one process",
);
const DRAIN_TIMEOUT_MS: Setting = Setting::optional(
    "DRAIN_TIMEOUT_MS",
    "20000",
    "Milliseconds to finish requests after SIGTERM; keep it below the time after which the platform kills",
);

const SIGN_CALLS: Setting = Setting::optional(
    "SIGN_CALLS",
    "off",
    "Whether calls of the contexts are signed with the AWS credentials of this process: `on` or `off`; `on` where their APIs ask for IAM",
);

const LOCAL: &str = "local";

/// What the front door needs to know.
pub(crate) struct Settings {
    /// All of them, once the reader has found nothing wrong.
    pub(crate) addresses: Option<Addresses>,
    pub(crate) roots: RootCertificates,
    pub(crate) origin: Origin,
    pub(crate) limits: BffSettings,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) drain_within: Duration,
    /// Whether calls are signed.
    is_signing: bool,
    circuits: CircuitsConfig,
    /// Who this process is to AWS, where calls are signed or circuits are shared.
    session: Option<Session>,
    /// Where the catalog is called over gRPC, if it is.
    pub(crate) catalog_grpc: Option<String>,
    service_issuer: String,
    service_key: Option<String>,
    service_key_id: String,
    service_audience: String,
    sessions: SessionSettings,
    is_local: bool,
}

/// Whose sessions count.
pub(crate) struct People {
    pub(crate) issuers: Vec<TokenVerifier>,
    pub(crate) local: Option<LocalIssuer>,
}

/// Settings by which nobody could sign in, or everybody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Incomplete {
    #[error(transparent)]
    Sessions(#[from] storefront_viewer::Incomplete),
    #[error("nobody can sign in; set SESSION_ISSUER and SESSION_JWKS_URL, or on the stage `local` LOCAL_ISSUER_SECRET")]
    Nobody,
    #[error("the address of a service is missing; set all of *_API_URL")]
    Addresses,
    #[error("LOCAL_ISSUER_SECRET: {0}")]
    Secret(#[from] InvalidKey),
    #[error("SERVICE_TOKEN_ISSUER and SERVICE_TOKEN_KEY belong together; set both or none")]
    ServiceToken,
    #[error("SERVICE_TOKEN_KEY: {0}")]
    ServiceKey(#[source] InvalidKey),
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let addresses = addresses(reader);
    let roots = reader.parsed(&CLIENT_CA_BUNDLE, RootCertificates::read);
    let milliseconds =
        |reader: &mut Reader<'_>, setting, range| Duration::from_millis(reader.whole_number(setting, range));
    let origin = reader.parsed(&BFF_ORIGIN, Origin::new);
    let is_signing = reader.choice(&SIGN_CALLS, &[("on", true), ("off", false)]);
    let circuits = CircuitsConfig::read(reader);
    Settings {
        addresses,
        roots: roots.unwrap_or_default(),
        origin: origin.unwrap_or_else(Origin::of_host),
        limits: BffSettings {
            dashboard_within: milliseconds(reader, &DASHBOARD_DEADLINE_MS, 50..=10_000),
            watch_every: milliseconds(reader, &UPDATES_EVERY_MS, 100..=10_000),
            watched_max: usize::try_from(reader.whole_number(&UPDATES_MAX, 1..=100_000)).unwrap_or(1),
            ..BffSettings::default()
        },
        listen: reader.parsed(&BFF_LISTEN, listened),
        drain_within: milliseconds(reader, &DRAIN_TIMEOUT_MS, 0..=3_600_000),
        is_signing,
        session: (is_signing || circuits.are_shared()).then(|| Session::read(reader)),
        circuits,
        catalog_grpc: reader.text_if_set(&CATALOG_GRPC_URL),
        service_issuer: reader.text(&SERVICE_TOKEN_ISSUER),
        service_key: reader.text_if_set(&SERVICE_TOKEN_KEY),
        service_key_id: reader.text(&SERVICE_TOKEN_KEY_ID),
        service_audience: reader.text(&SERVICE_TOKEN_AUDIENCE),
        sessions: SessionSettings::read(reader),
        is_local: reader.text(&STAGE) == LOCAL,
    }
}

/// Where all services are; nothing when one of them is not known, which the reader reports.
fn addresses(reader: &mut Reader<'_>) -> Option<Addresses> {
    let mut address = |setting, service: &'static str| reader.parsed(setting, |text| Address::fixed(service, text));
    let catalog = address(&CATALOG_API_URL, "catalog");
    let orders = address(&ORDERS_API_URL, "orders");
    let users = address(&USERS_API_URL, "users");
    let notifications = address(&NOTIFICATIONS_API_URL, "notifications");
    let recommendations = address(&RECOMMENDATIONS_API_URL, "recommendations");
    Some(Addresses {
        catalog: catalog?,
        orders: orders?,
        users: users?,
        notifications: notifications?,
        recommendations: recommendations?,
    })
}

fn listened(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address with a port, such as 127.0.0.1:8700")
}

/// What service tokens for the catalog may be used for.
const CATALOG_READ: &str = "catalog:read";

impl Settings {
    /// Who the front door is to the catalog over gRPC, where it says so.
    ///
    /// # Errors
    /// When an issuer is set without its key or the other way round, or the key is none.
    pub(crate) fn service_tokens(&mut self, environment: &Environment) -> Result<Option<ServiceTokens>, Incomplete> {
        let pem = match (self.service_issuer.is_empty(), self.service_key.take()) {
            (true, None) => return Ok(None),
            (false, Some(pem)) => pem,
            _ => return Err(Incomplete::ServiceToken),
        };
        let key =
            SigningKey::from_pem(Algorithm::EdDsa, &*self.service_key_id, &pem).map_err(Incomplete::ServiceKey)?;
        let signer = TokenSigner::new(key, &*self.service_issuer, "bff", environment.clone());
        let scopes = Scopes::parse(CATALOG_READ).unwrap_or_default();
        Ok(Some(ServiceTokens::new(signer, &*self.service_audience, scopes)))
    }

    /// Who this process is to AWS, where calls are signed.
    pub(crate) fn signing(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.is_signing)
    }

    /// The circuits before the services.
    pub(crate) fn circuits(&self, environment: &Environment) -> ProcessCircuits {
        let session = self.session.clone().filter(|_| self.circuits.are_shared());
        let tables = session.map(|session| Wiring::on(session).tables());
        self.circuits.circuits("bff", tables, environment)
    }

    /// Whose sessions count, and who signs people in on a machine of one's own.
    ///
    /// # Errors
    /// When nobody could sign in, or anybody on a stage that is not `local`.
    pub(crate) fn people(&self, transport: &HttpTransport, environment: &Environment) -> Result<People, Incomplete> {
        let issuers = self.sessions.issuers(self.is_local, transport, environment)?;
        if issuers.is_empty() {
            return Err(Incomplete::Nobody);
        }
        let local = self.sessions.local_secret().map(|secret| {
            let issuer = LocalIssuer::new(secret, self.sessions.audience(), environment.clone())?;
            // What checks its sessions is one of the issuers already.
            Ok::<_, InvalidKey>(issuer.0)
        });
        Ok(People {
            issuers,
            local: local.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use onecommit_config::Variables;

    use super::*;

    /// What is always set, and what is set besides.
    struct Set<'a>(&'a [(&'a str, &'a str)]);

    impl Variables for Set<'_> {
        fn get(&self, name: &str) -> Option<String> {
            let mut all = self.0.iter();
            let found = all.find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            let is_address = name.ends_with("_API_URL");
            let audience = (name == "TOKEN_AUDIENCE").then(|| "shop".to_owned());
            let always = is_address.then(|| "http://127.0.0.1:1".to_owned()).or(audience);
            found.or(always).filter(|value| !value.is_empty())
        }
    }

    fn people(set: &[(&str, &str)]) -> Result<(usize, bool), String> {
        let variables = Set(set);
        let mut reader = Reader::new(&variables);
        let settings = settings(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        let transport = HttpTransport::new(RootCertificates::default());
        let people = settings.people(&transport, &Environment::system());
        let people = people.map_err(|error| error.to_string())?;
        Ok((people.issuers.len(), people.local.is_some()))
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let mut reader = Reader::new(&[]);
        onecommit_telemetry::read_level(&mut reader);
        settings(&mut reader);
        let wrong = onecommit_config::documentation::differences(page, "Front door", reader.settings());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn everything_missing_is_reported_at_once() {
        let mut reader = Reader::new(&[]);
        settings(&mut reader);
        let error = reader.finish().unwrap_err().to_string();
        for name in ["CATALOG_API_URL", "ORDERS_API_URL", "USERS_API_URL", "TOKEN_AUDIENCE"] {
            assert!(error.contains(name), "{error}");
        }
    }

    fn signs(set: &[(&str, &str)]) -> Result<bool, String> {
        let variables = Set(set);
        let mut reader = Reader::new(&variables);
        let mut settings = settings(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        let tokens = settings.service_tokens(&Environment::system());
        tokens.map(|tokens| tokens.is_some()).map_err(|error| error.to_string())
    }

    #[test]
    fn service_tokens_need_an_issuer_and_its_key() {
        // Made for this test: openssl genpkey -algorithm ed25519.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
        let (issuer, key) = (("SERVICE_TOKEN_ISSUER", "https://services"), ("SERVICE_TOKEN_KEY", pem));
        assert_eq!(signs(&[]), Ok(false));
        assert_eq!(signs(&[issuer, key]), Ok(true));
        assert!(signs(&[issuer]).unwrap_err().contains("belong together"));
        assert!(signs(&[key]).unwrap_err().contains("belong together"));
        let wrong = signs(&[issuer, ("SERVICE_TOKEN_KEY", "a secret")]).unwrap_err();
        assert!(
            wrong.contains("SERVICE_TOKEN_KEY") && !wrong.contains("a secret"),
            "{wrong}"
        );
    }

    #[test]
    fn who_the_process_is_to_aws_is_asked_only_where_calls_are_signed_or_circuits_shared() {
        let missing = |set: &[(&str, &str)]| {
            let variables = Set(set);
            let mut reader = Reader::new(&variables);
            settings(&mut reader);
            reader
                .finish()
                .is_err_and(|error| error.to_string().contains("AWS_ACCESS_KEY_ID"))
        };
        let shared = [("CIRCUITS_TABLE_NAME", "circuits"), ("EVENTS_TABLE_NAME", "events")];
        assert!(!missing(&[]));
        assert!(missing(&shared) && missing(&[("SIGN_CALLS", "on")]));
    }

    #[test]
    fn a_local_issuer_needs_the_stage_local() {
        let secret = ("LOCAL_ISSUER_SECRET", "a-secret-of-at-least-32-bytes-for-tests");
        assert_eq!(people(&[secret, ("STAGE", "local")]), Ok((1, true)));
        for stage in ["", "dev", "prod", "Local"] {
            assert!(
                people(&[secret, ("STAGE", stage)]).unwrap_err().contains("STAGE=local"),
                "{stage}"
            );
        }
        let short = ("LOCAL_ISSUER_SECRET", "short");
        assert!(people(&[short, ("STAGE", "local")]).unwrap_err().contains("32 bytes"));
    }

    #[test]
    fn without_an_issuer_the_front_door_does_not_start() {
        assert!(people(&[]).unwrap_err().contains("nobody can sign in"));
        let issuer = ("SESSION_ISSUER", "https://login.example");
        let keys = ("SESSION_JWKS_URL", "https://login.example/.well-known/jwks.json");
        assert_eq!(people(&[issuer, keys]), Ok((1, false)));
        assert!(people(&[issuer]).unwrap_err().contains("belong together"));
        assert!(people(&[keys]).unwrap_err().contains("belong together"));
        let wrong = people(&[issuer, ("SESSION_JWKS_URL", "login.example")]).unwrap_err();
        assert!(wrong.contains("SESSION_JWKS_URL"), "{wrong}");
        assert!(
            people(&[issuer, keys, ("BFF_LISTEN", "8700")])
                .unwrap_err()
                .contains("BFF_LISTEN")
        );
    }
}
