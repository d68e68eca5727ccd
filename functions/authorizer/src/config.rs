//! The settings of the authorizer. Keys of issuers are public; the one secret is that of the local stage, known to all.

use onecommit_callers::PublishedKeys;
use onecommit_client::Transport;
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_environment::Environment;
use onecommit_tokens::{Expected, InvalidKey, Jwks, KeySet, Routes, Scopes, TokenVerifier};

const API_KEYS_TABLE_NAME: Setting = Setting::required("API_KEYS_TABLE_NAME", "Table of API keys");
const ROUTES: Setting = Setting::required(
    "ROUTES",
    "Routes of the APIs and the scopes they need, with `;` between them: `GET /products/{sku} catalog:read`",
);
const TOKEN_AUDIENCE: Setting = Setting::required("TOKEN_AUDIENCE", "Audience that tokens and sessions have to be for");
const SERVICE_TOKEN_ISSUER: Setting = Setting::optional("SERVICE_TOKEN_ISSUER", "", "Issuer of service tokens");
const SERVICE_TOKEN_JWKS: Setting = Setting::optional(
    "SERVICE_TOKEN_JWKS",
    "",
    "Public keys of that issuer, a JSON Web Key Set; while keys change, the old one and the new one",
);
const SESSION_ISSUER: Setting = Setting::optional("SESSION_ISSUER", "", "Issuer of users' sessions (OpenID Connect)");
const SESSION_JWKS: Setting = Setting::optional("SESSION_JWKS", "", "Public keys of that issuer, a JSON Web Key Set");
const SESSION_JWKS_URL: Setting = Setting::optional(
    "SESSION_JWKS_URL",
    "",
    "Address where that issuer publishes them, in place of `SESSION_JWKS`",
);
const SESSION_SCOPES: Setting = Setting::optional(
    "SESSION_SCOPES",
    "",
    "Scopes that a session may have, with blanks between them; others are left out of it",
);
const LOCAL_ISSUER_SECRET: Setting = Setting::optional(
    "LOCAL_ISSUER_SECRET",
    "",
    "Shared secret of the issuers `local-services` and `local-users`; set on the stage `local` only",
);

/// The issuers of the stage `local`, whose secret everybody knows.
pub(crate) const LOCAL_SERVICES: &str = "local-services";
pub(crate) const LOCAL_USERS: &str = "local-users";
const LOCAL_KEY: &str = "local";

pub(crate) struct Settings {
    pub(crate) api_keys: Table,
    pub(crate) routes: Routes,
    audience: String,
    services: Issuer,
    sessions: Issuer,
    session_scopes: Scopes,
    local_secret: String,
}

struct Issuer {
    name: String,
    keys: Option<Keys>,
}

enum Keys {
    Fixed(KeySet),
    Published(PublishedKeys),
}

/// Settings that let nobody in, and would say nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Incomplete {
    #[error("{0}_ISSUER and its keys ({0}_JWKS) belong together; set both or none")]
    Issuer(&'static str),
    #[error("LOCAL_ISSUER_SECRET: {0}")]
    Secret(InvalidKey),
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let mut issuer = |name: &Setting, keys: &Setting| Issuer {
        name: reader.text(name),
        keys: reader.parsed(keys, KeySet::from_json).map(Keys::Fixed),
    };
    let services = issuer(&SERVICE_TOKEN_ISSUER, &SERVICE_TOKEN_JWKS);
    let mut sessions = issuer(&SESSION_ISSUER, &SESSION_JWKS);
    let published = reader.parsed(&SESSION_JWKS_URL, PublishedKeys::at);
    sessions.keys = published.map(Keys::Published).or(sessions.keys);
    Settings {
        api_keys: Table::new(reader.text(&API_KEYS_TABLE_NAME)),
        routes: reader.parsed(&ROUTES, Routes::parse).unwrap_or_default(),
        audience: reader.text(&TOKEN_AUDIENCE),
        services,
        sessions,
        session_scopes: reader.parsed(&SESSION_SCOPES, Scopes::parse).unwrap_or_default(),
        local_secret: reader.text(&LOCAL_ISSUER_SECRET),
    }
}

impl Settings {
    /// What checks the tokens of each issuer that was set.
    pub(crate) fn issuers(
        &mut self,
        transport: &(impl Transport + Clone + 'static),
        environment: &Environment,
    ) -> Result<Vec<TokenVerifier>, Incomplete> {
        let services = |issuer: &str| Expected::service_token(issuer, &self.audience);
        let sessions = |issuer: &str| Expected::user_session(issuer, &self.audience, self.session_scopes.clone());
        let mut verifiers = Vec::new();
        let mut add = |keys, expected| {
            let keys = match keys {
                Keys::Fixed(keys) => Jwks::fixed(keys, environment.clone()),
                Keys::Published(keys) => keys.fetched(transport.clone(), environment),
            };
            verifiers.push(TokenVerifier::new(keys, expected, environment.clone()));
        };
        if let Some((issuer, keys)) = self.services.take("SERVICE_TOKEN")? {
            add(keys, services(&issuer));
        }
        if let Some((issuer, keys)) = self.sessions.take("SESSION")? {
            add(keys, sessions(&issuer));
        }
        if !self.local_secret.is_empty() {
            let keys = || KeySet::default().with_secret(LOCAL_KEY, self.local_secret.as_bytes());
            let keys = || keys().map(Keys::Fixed).map_err(Incomplete::Secret);
            add(keys()?, services(LOCAL_SERVICES));
            add(keys()?, sessions(LOCAL_USERS));
        }
        Ok(verifiers)
    }
}

impl Issuer {
    fn take(&mut self, settings: &'static str) -> Result<Option<(String, Keys)>, Incomplete> {
        match (self.keys.take(), self.name.is_empty()) {
            (Some(keys), false) => Ok(Some((self.name.clone(), keys))),
            (None, true) => Ok(None),
            _ => Err(Incomplete::Issuer(settings)),
        }
    }
}

#[cfg(test)]
mod tests {
    use onecommit_client::{HttpTransport, RootCertificates};
    use onecommit_config::Variables;

    use super::*;

    const JWKS: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// What a stack always sets, and what is set besides.
    struct Set<'a>(&'a [(&'a str, &'a str)]);

    impl Variables for Set<'_> {
        fn get(&self, name: &str) -> Option<String> {
            let always = [
                ("API_KEYS_TABLE_NAME", "keys"),
                ("ROUTES", "GET /a a:read"),
                ("TOKEN_AUDIENCE", "shop"),
            ];
            let mut all = self.0.iter().chain(&always);
            let value = all.find(|(set, _)| *set == name).map(|(_, value)| *value);
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        }
    }

    fn issuers(set: &[(&str, &str)]) -> Result<usize, String> {
        let variables = Set(set);
        let mut reader = Reader::new(&variables);
        let mut settings = settings(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        let transport = HttpTransport::new(RootCertificates::default());
        let issuers = settings.issuers(&transport, &Environment::system());
        issuers.map(|issuers| issuers.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Authorizer", settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn only_configured_issuers_are_trusted() {
        assert_eq!(issuers(&[]), Ok(0));
        let services = [("SERVICE_TOKEN_ISSUER", "https://a"), ("SERVICE_TOKEN_JWKS", JWKS)];
        assert_eq!(issuers(&services), Ok(1));
        let people = |keys| issuers(&[("SESSION_ISSUER", "https://login.example"), keys]);
        assert_eq!(people(("SESSION_JWKS", JWKS)), Ok(1));
        let published = "https://login.example/.well-known/jwks.json";
        assert_eq!(people(("SESSION_JWKS_URL", published)), Ok(1));
        assert!(
            people(("SESSION_JWKS_URL", "login.example"))
                .unwrap_err()
                .contains("SESSION_JWKS_URL")
        );
        assert!(people(("SESSION_JWKS", "")).unwrap_err().contains("belong together"));
        assert_eq!(issuers(&[("LOCAL_ISSUER_SECRET", &"x".repeat(32))]), Ok(2));
    }

    #[test]
    fn unusable_settings_prevent_the_start() {
        assert!(
            issuers(&services_of("https://a", ""))
                .unwrap_err()
                .contains("SERVICE_TOKEN_JWKS")
        );
        assert!(
            issuers(&services_of("", JWKS))
                .unwrap_err()
                .contains("SERVICE_TOKEN_ISSUER")
        );
        assert!(
            issuers(&services_of("https://a", "{}"))
                .unwrap_err()
                .contains("JSON Web Key Set")
        );
        assert!(
            issuers(&[("LOCAL_ISSUER_SECRET", "short")])
                .unwrap_err()
                .contains("32 bytes")
        );
        assert!(issuers(&[("ROUTES", "GET")]).unwrap_err().contains("route 1"));
    }

    fn services_of<'a>(issuer: &'a str, keys: &'a str) -> [(&'a str, &'a str); 2] {
        [("SERVICE_TOKEN_ISSUER", issuer), ("SERVICE_TOKEN_JWKS", keys)]
    }
}
