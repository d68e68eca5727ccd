//! The settings of the graph.

use std::net::SocketAddr;
use std::time::Duration;

use onecommit_aws::{CircuitsConfig, Session, Wiring};
use onecommit_client::{Address, CLIENT_CA_BUNDLE as CA_BUNDLE, ProcessCircuits, RootCertificates};
use onecommit_config::{Reader, Setting};
use onecommit_environment::Environment;
use onecommit_graph::{GraphSettings, TrustedDocuments};
use storefront_viewer::SessionSettings;

use crate::documents;

const CATALOG_GRAPH_URL: Setting = Setting::required(
    "CATALOG_GRAPH_URL",
    "Base address of the catalog's subgraph, which answers at `/graphql` below it",
);
const ORDERS_GRAPH_URL: Setting = Setting::required("ORDERS_GRAPH_URL", "Base address of the subgraph of orders");
const USERS_GRAPH_URL: Setting = Setting::required("USERS_GRAPH_URL", "Base address of the subgraph of users");
const CLIENT_CA_BUNDLE: Setting = Setting::optional(
    CA_BUNDLE,
    "",
    "File of root certificates in PEM for calls of other services, in place of the operating system's",
);
const SIGN_CALLS: Setting = Setting::optional(
    "SIGN_CALLS",
    "off",
    "Whether calls of the subgraphs are signed with the AWS credentials of this process: `on` or `off`; `on` where their API asks for IAM",
);
const QUERIES: Setting = Setting::optional(
    "QUERIES",
    "trusted",
    "Which queries are answered: `trusted`, those of the list alone, or `any`",
);
const TRUSTED_DOCUMENTS: Setting = Setting::optional(
    "TRUSTED_DOCUMENTS",
    "",
    "File with the list, a JSON object of SHA-256 hashes and queries; without it, the storefront's own queries",
);
const INTROSPECTION: Setting = Setting::optional(
    "INTROSPECTION",
    "off",
    "Whether the schema is shown, and names are suggested in errors: `on` or `off`; only with `QUERIES=any`",
);
const GRAPHQL_ORIGINS: Setting = Setting::optional(
    "GRAPHQL_ORIGINS",
    "",
    "Origins whose pages may send queries besides this site's own, separated by commas, such as `https://shop.example`",
);
const STAGE: Setting = Setting::optional(
    "STAGE",
    "",
    "The stage; on `local` alone anybody may be signed in, and `/graphiql` is a page to try queries out",
);
const GRAPHQL_LISTEN: Setting = Setting::optional(
    "GRAPHQL_LISTEN",
    "",
    "Address and port to serve on as a process, such as `127.0.0.1:8710`; without it, it is a Lambda function",
);
const DRAIN_TIMEOUT_MS: Setting = Setting::optional(
    "DRAIN_TIMEOUT_MS",
    "20000",
    "Milliseconds to finish requests after SIGTERM; keep it below the time after which the platform kills",
);

const LOCAL: &str = "local";

/// What the graph needs to know.
pub(crate) struct Settings {
    /// All subgraphs, once the reader has found nothing wrong.
    pub(crate) addresses: Vec<Address>,
    pub(crate) roots: RootCertificates,
    pub(crate) graph: GraphSettings,
    pub(crate) sessions: SessionSettings,
    pub(crate) is_local: bool,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) drain_within: Duration,
    /// Whether calls are signed.
    is_signing: bool,
    circuits: CircuitsConfig,
    /// Who this process is to AWS, where calls are signed or circuits are shared.
    session: Option<Session>,
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let urls = [
        ("catalog", &CATALOG_GRAPH_URL),
        ("orders", &ORDERS_GRAPH_URL),
        ("users", &USERS_GRAPH_URL),
    ];
    let addresses = urls.map(|(name, setting)| reader.parsed(setting, |text| Address::fixed(name, text)));
    let roots = reader.parsed(&CLIENT_CA_BUNDLE, RootCertificates::read);
    let is_signing = reader.choice(&SIGN_CALLS, &[("on", true), ("off", false)]);
    let circuits = CircuitsConfig::read(reader);
    Settings {
        addresses: addresses.into_iter().flatten().collect(),
        roots: roots.unwrap_or_default(),
        graph: graph(reader),
        sessions: SessionSettings::read(reader),
        is_local: reader.text(&STAGE) == LOCAL,
        listen: reader.parsed(&GRAPHQL_LISTEN, listened),
        drain_within: Duration::from_millis(reader.whole_number(&DRAIN_TIMEOUT_MS, 0..=3_600_000)),
        is_signing,
        session: (is_signing || circuits.are_shared()).then(|| Session::read(reader)),
        circuits,
    }
}

impl Settings {
    /// Who this process is to AWS, where calls are signed.
    pub(crate) fn signing(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.is_signing)
    }

    /// The circuits before the subgraphs.
    pub(crate) fn circuits(&self, environment: &Environment) -> ProcessCircuits {
        let session = self.session.clone().filter(|_| self.circuits.are_shared());
        let tables = session.map(|session| Wiring::on(session).tables());
        self.circuits.circuits("graphql", tables, environment)
    }
}

fn graph(reader: &mut Reader<'_>) -> GraphSettings {
    let is_trusting = reader.choice(&QUERIES, &[("trusted", true), ("any", false)]);
    let listed = reader.parsed(&TRUSTED_DOCUMENTS, list);
    let origins = reader.parsed(&GRAPHQL_ORIGINS, origins);
    GraphSettings::default()
        .trusted(is_trusting.then(|| listed.unwrap_or_else(documents::own)))
        .introspection(reader.choice(&INTROSPECTION, &[("on", true), ("off", false)]))
        .origins(origins.unwrap_or_default())
}

fn list(path: &str) -> Result<TrustedDocuments, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("a file that can be read ({error})"))?;
    TrustedDocuments::parse(&text).map_err(|error| format!("a list of trusted documents ({error})"))
}

fn origins(text: &str) -> Result<Vec<String>, &'static str> {
    let is_origin = |origin: &&str| {
        let place = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        place.is_some_and(|place| !place.is_empty() && !place.contains(['/', '?', '#', '@', ' ']))
    };
    let all: Vec<&str> = text.split(',').map(str::trim).collect();
    match all.iter().all(is_origin) {
        true => Ok(all.into_iter().map(str::to_owned).collect()),
        false => Err("a list of origins, such as https://shop.example"),
    }
}

fn listened(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address with a port, such as 127.0.0.1:8710")
}

#[cfg(test)]
mod tests {
    use onecommit_config::Variables;
    use onecommit_telemetry::Telemetry;

    use super::*;

    /// What is always set, and what is set besides.
    struct Set<'a>(&'a [(&'a str, &'a str)]);

    impl Variables for Set<'_> {
        fn get(&self, name: &str) -> Option<String> {
            let found = self.0.iter().find(|(set, _)| *set == name).map(|(_, value)| *value);
            let always = match name {
                "TOKEN_AUDIENCE" => Some("shop"),
                _ => name.ends_with("_GRAPH_URL").then_some("http://127.0.0.1:1"),
            };
            found.or(always).map(str::to_owned)
        }
    }

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = Set(set);
        let mut reader = Reader::new(&variables);
        let settings = settings(&mut reader);
        reader.finish().map_err(|error| error.to_string())?;
        Ok(settings)
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let mut reader = Reader::new(&[]);
        Telemetry::read(&mut reader);
        settings(&mut reader);
        let wrong = onecommit_config::documentation::differences(page, "GraphQL", reader.settings());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn everything_missing_is_reported_at_once() {
        let mut reader = Reader::new(&[]);
        settings(&mut reader);
        let error = reader.finish().unwrap_err().to_string();
        for name in [
            "CATALOG_GRAPH_URL",
            "ORDERS_GRAPH_URL",
            "USERS_GRAPH_URL",
            "TOKEN_AUDIENCE",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn only_trusted_queries_are_answered_by_default() {
        let usual = read(&[]).unwrap().graph;
        assert!(usual.trusted.is_some() && !usual.introspection);
        let open = read(&[("QUERIES", "any"), ("INTROSPECTION", "on")]).unwrap().graph;
        assert!(open.trusted.is_none() && open.introspection);
        let missing = read(&[("TRUSTED_DOCUMENTS", "/nowhere.json")]).err().unwrap();
        assert!(missing.contains("TRUSTED_DOCUMENTS"), "{missing}");
    }

    #[test]
    fn origins_are_origins() {
        let two = read(&[("GRAPHQL_ORIGINS", "https://a.example, http://127.0.0.1:8700")])
            .unwrap()
            .graph;
        assert_eq!(two.origins, ["https://a.example", "http://127.0.0.1:8700"]);
        for wrong in ["a.example", "https://a.example/", "https://", "*", "https://a.example,"] {
            assert!(read(&[("GRAPHQL_ORIGINS", wrong)]).is_err(), "{wrong}");
        }
    }
}
