//! Which subgraph, of which tables, and whose sessions count.

use std::net::SocketAddr;
use std::time::Duration;

use onecommit_aws::{EVENTS_TABLE_NAME, SealingConfig, VIEWS_TABLE_NAME};
use onecommit_client::{CLIENT_CA_BUNDLE as CA_BUNDLE, RootCertificates};
use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Table};
use onecommit_views::REFRESH_MAX;
use storefront_viewer::SessionSettings;

const SUBGRAPH: Setting = Setting::required("SUBGRAPH", "Which subgraph it is: `catalog`, `orders` or `users`");
const CONTEXT_TABLE_NAME: Setting = Setting::required(
    "CONTEXT_TABLE_NAME",
    "Table of the context whose subgraph it is; of `catalog` and `users`",
);
const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the active generation of a view is read again; at most 60",
);
const CLIENT_CA_BUNDLE: Setting = Setting::optional(
    CA_BUNDLE,
    "",
    "File of root certificates in PEM for calls of other services, in place of the operating system's",
);
const STAGE: Setting = Setting::optional("STAGE", "", "The stage; on `local` alone anybody may be signed in");
const SUBGRAPH_LISTEN: Setting = Setting::optional(
    "SUBGRAPH_LISTEN",
    "",
    "Address and port to serve on as a process, such as `127.0.0.1:8711`; without it, it is a Lambda function",
);
const DRAIN_TIMEOUT_MS: Setting = Setting::optional(
    "DRAIN_TIMEOUT_MS",
    "20000",
    "Milliseconds to finish requests after SIGTERM; keep it below the time after which the platform kills",
);

const LOCAL: &str = "local";

/// What a subgraph needs to know.
pub(crate) struct Settings {
    pub(crate) sources: Sources,
    pub(crate) sessions: SessionSettings,
    pub(crate) is_local: bool,
    pub(crate) roots: RootCertificates,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) drain_within: Duration,
}

/// Where a subgraph reads.
pub(crate) enum Sources {
    Catalog {
        table: Table,
    },
    Orders {
        log: EventLog,
        views: Table,
        refresh: Duration,
    },
    Users {
        table: Table,
        sealing: SealingConfig,
    },
}

#[derive(Clone, Copy)]
enum Name {
    Catalog,
    Orders,
    Users,
}

const NAMES: [(&str, Name); 3] = [
    ("catalog", Name::Catalog),
    ("orders", Name::Orders),
    ("users", Name::Users),
];

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let name = reader.choice(&SUBGRAPH, &NAMES);
    let roots = reader.parsed(&CLIENT_CA_BUNDLE, RootCertificates::read);
    Settings {
        sources: sources(name, reader),
        sessions: SessionSettings::read(reader),
        is_local: reader.text(&STAGE) == LOCAL,
        roots: roots.unwrap_or_default(),
        listen: reader.parsed(&SUBGRAPH_LISTEN, listened),
        drain_within: Duration::from_millis(reader.whole_number(&DRAIN_TIMEOUT_MS, 0..=3_600_000)),
    }
}

fn sources(name: Name, reader: &mut Reader<'_>) -> Sources {
    match name {
        Name::Catalog => Sources::Catalog {
            table: Table::new(reader.text(&CONTEXT_TABLE_NAME)),
        },
        Name::Orders => Sources::Orders {
            log: EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME))),
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            refresh: Duration::from_secs(reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs())),
        },
        Name::Users => Sources::Users {
            table: Table::new(reader.text(&CONTEXT_TABLE_NAME)),
            sealing: SealingConfig::read(reader),
        },
    }
}

fn listened(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address with a port, such as 127.0.0.1:8711")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let of_all = |reader: &mut Reader<'_>| {
            settings(reader);
            NAMES.map(|(_, name)| sources(name, reader))
        };
        let wrong = onecommit_aws::undocumented(page, "Subgraph", of_all);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn what_is_missing_is_what_this_subgraph_needs() {
        let missing = |name: &'static str| {
            let set = [("SUBGRAPH", name), ("TOKEN_AUDIENCE", "shop")];
            let mut reader = Reader::new(&set);
            settings(&mut reader);
            reader.finish().unwrap_err().to_string()
        };
        let needed = [
            ("catalog", &["CONTEXT_TABLE_NAME"][..]),
            ("orders", &["EVENTS_TABLE_NAME", "VIEWS_TABLE_NAME"]),
            ("users", &["CONTEXT_TABLE_NAME", "SUBJECT_KEYS_TABLE_NAME"]),
        ];
        for (name, variables) in needed {
            let error = missing(name);
            let named = error.matches(" is not set").count();
            assert_eq!(named, variables.len(), "{error}");
            assert!(variables.iter().all(|variable| error.contains(variable)), "{error}");
        }
        assert!(missing("payments").contains("SUBGRAPH=\"payments\""));
    }
}
