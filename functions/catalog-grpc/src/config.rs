//! The settings of the catalog over gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use onecommit_callers::Guard;
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_environment::Environment;
use onecommit_grpc::server::ServerSettings;
use onecommit_tokens::{Authenticator, Expected, InvalidRoutes, Jwks, KeySet, Routes, TokenVerifier};
use storefront_catalog::CATALOG_SCOPES;

const CONTEXT_TABLE_NAME: Setting = Setting::required("CONTEXT_TABLE_NAME", "Table of the catalog, which is only read");
const GRPC_LISTEN: Setting = Setting::optional(
    "GRPC_LISTEN",
    "0.0.0.0:50051",
    "Address and port of gRPC (HTTP/2) and of the pages `/health`, `/health/live` and `/health/ready`",
);
const CALL_TIMEOUT_MS: Setting = Setting::optional(
    "CALL_TIMEOUT_MS",
    "30000",
    "Milliseconds that a call may take, its stream included; a caller's `grpc-timeout` shortens it",
);
const CALLS_MAX: Setting = Setting::optional("CALLS_MAX", "1000", "Most calls at work at once; more are refused");
const DRAIN_TIMEOUT_MS: Setting = Setting::optional(
    "DRAIN_TIMEOUT_MS",
    "20000",
    "Milliseconds to finish calls after SIGTERM; keep it below the time after which the platform kills",
);
const TOKEN_AUDIENCE: Setting = Setting::optional("TOKEN_AUDIENCE", "catalog", "Audience that tokens have to be for");
const SERVICE_TOKEN_ISSUER: Setting = Setting::optional(
    "SERVICE_TOKEN_ISSUER",
    "",
    "Issuer of service tokens; with it, every call but those of the health needs a token with the scope `catalog:read`",
);
const SERVICE_TOKEN_JWKS: Setting = Setting::optional(
    "SERVICE_TOKEN_JWKS",
    "",
    "Public keys of that issuer, a JSON Web Key Set; while keys change, the old one and the new one",
);

/// What this process needs to know.
pub(crate) struct Settings {
    pub(crate) table: Table,
    pub(crate) listen: SocketAddr,
    pub(crate) server: ServerSettings,
    audience: String,
    issuer: String,
    keys: Option<KeySet>,
}

/// Settings by which nobody would be let in, or everybody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Incomplete {
    #[error("SERVICE_TOKEN_ISSUER and its keys (SERVICE_TOKEN_JWKS) belong together; set both or none")]
    Issuer,
    #[error(transparent)]
    Scopes(#[from] InvalidRoutes),
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let milliseconds =
        |reader: &mut Reader<'_>, setting, range| Duration::from_millis(reader.whole_number(setting, range));
    Settings {
        table: Table::new(reader.text(&CONTEXT_TABLE_NAME)),
        listen: reader
            .parsed(&GRPC_LISTEN, address)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        server: ServerSettings {
            call_within: milliseconds(reader, &CALL_TIMEOUT_MS, 1..=3_600_000),
            calls_max: usize::try_from(reader.whole_number(&CALLS_MAX, 1..=100_000)).unwrap_or(1),
            drain_within: milliseconds(reader, &DRAIN_TIMEOUT_MS, 0..=3_600_000),
            ..ServerSettings::default()
        },
        audience: reader.text(&TOKEN_AUDIENCE),
        issuer: reader.text(&SERVICE_TOKEN_ISSUER),
        keys: reader.parsed(&SERVICE_TOKEN_JWKS, KeySet::from_json),
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an address with a port, like 0.0.0.0:50051")
}

impl Settings {
    /// Who lets callers in, where they have to say who they are.
    ///
    /// # Errors
    /// When an issuer is set without its keys, or the other way round.
    pub(crate) fn guard(&mut self, environment: &Environment) -> Result<Option<Guard>, Incomplete> {
        let keys = match (self.issuer.is_empty(), self.keys.take()) {
            (true, None) => return Ok(None),
            (false, Some(keys)) => Jwks::fixed(keys, environment.clone()),
            _ => return Err(Incomplete::Issuer),
        };
        let expected = Expected::service_token(&*self.issuer, &*self.audience);
        let callers = Authenticator::default().with_tokens(TokenVerifier::new(keys, expected, environment.clone()));
        Ok(Some(Guard::new(
            callers,
            Routes::parse(CATALOG_SCOPES)?,
            "catalog-grpc",
        )))
    }
}

#[cfg(test)]
mod tests {
    use onecommit_aws::Session;
    use onecommit_config::Variables;

    use super::*;

    const JWKS: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    struct Set<'a>(&'a [(&'a str, &'a str)]);

    impl Variables for Set<'_> {
        fn get(&self, name: &str) -> Option<String> {
            let mut all = self.0.iter().chain(&[("CONTEXT_TABLE_NAME", "catalog")]);
            all.find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn is_guarded(set: &[(&str, &str)]) -> Result<bool, String> {
        let variables = Set(set);
        let mut reader = Reader::new(&variables);
        let mut settings = settings(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        let guard = settings.guard(&Environment::system());
        guard.map(|guard| guard.is_some()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let mut reader = Reader::new(&[]);
        Session::read_all_but_credentials(&mut reader);
        onecommit_telemetry::Telemetry::read(&mut reader);
        settings(&mut reader);
        let wrong = onecommit_config::documentation::differences(page, "Catalog over gRPC", reader.settings());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn callers_need_a_token_once_an_issuer_is_set() {
        assert_eq!(is_guarded(&[]), Ok(false));
        let (issuer, keys) = (("SERVICE_TOKEN_ISSUER", "https://a"), ("SERVICE_TOKEN_JWKS", JWKS));
        assert_eq!(is_guarded(&[issuer, keys]), Ok(true));
        assert!(is_guarded(&[issuer]).unwrap_err().contains("SERVICE_TOKEN_JWKS"));
        assert!(is_guarded(&[keys]).unwrap_err().contains("SERVICE_TOKEN_ISSUER"));
    }

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(address("127.0.0.1:0"), Ok(([127, 0, 0, 1], 0).into()));
        assert!(
            is_guarded(&[("GRPC_LISTEN", "50051")])
                .unwrap_err()
                .contains("GRPC_LISTEN")
        );
    }
}
