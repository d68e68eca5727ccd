//! What the previous version deployed and wrote: see `previous/README.md`.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use onecommit_engine::Item;
use onecommit_environment::Timestamp;
use serde_json::Value;

use crate::rows;

const TEMPLATE: &str = include_str!("previous/template.yaml");
const ROWS: &str = include_str!("previous/rows.json");
/// How the template names the code of a function.
const CODE: &str = "CodeUri: ../";
/// In place of that version's functions, which cannot be built here: whatever they are given is given to them again.
const STAND_IN: &str = "#!/bin/sh\nexit 1\n";

/// When the rows were written.
const WRITTEN_AT: &str = "2026-11-22T07:00:00.000Z";
/// At so many seconds from then something happened, is due, or expires.
const MOMENTS_S: [i64; 4] = [0, 30, 60, 3_600];
/// Where a row says a time: in an attribute, and in the event that it holds as text.
const BEFORE_A_TIME: [&str; 2] = [r#""S":""#, r#"\"timestamp\":\""#];
/// So long the ledger remembered.
const LEDGER_RETENTION_S: i64 = 30 * 24 * 3_600;

/// Tables in `rows.json`, the outputs that name them, and their keys.
const TABLES: [(&str, &str, &[&str]); 9] = [
    ("catalog", "CatalogTableName", &["pk", "sk"]),
    ("events", "EventsTableName", &["stream", "version"]),
    ("ledger", "LedgerTableName", &["pk"]),
    ("notifications", "NotificationsTableName", &["pk", "sk"]),
    ("payments", "PaymentsTableName", &["paymentId"]),
    ("provider", "PaymentProviderTableName", &["pk"]),
    ("sagas", "SagasTableName", &["sagaId"]),
    ("users", "UsersTableName", &["userId"]),
    ("views", "ViewsTableName", &["pk", "sk"]),
];

/// A row that the previous version wrote.
pub(crate) struct Row {
    pub(crate) table: &'static str,
    /// The output that names its table.
    pub(crate) output: &'static str,
    key: &'static [&'static str],
    attributes: HashMap<String, AttributeValue>,
}

impl Row {
    pub(crate) fn item(&self) -> Item {
        rows::item(self.attributes.clone())
    }

    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        self.attributes.clone()
    }

    pub(crate) fn key(&self) -> HashMap<String, AttributeValue> {
        let part = |name: &&str| ((*name).to_owned(), self.attributes[*name].clone());
        self.key.iter().map(part).collect()
    }
}

/// The previous version's template, with a stand-in for the code of each function where it looks for it.
pub(crate) fn template() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("previous-{}", std::process::id()));
    let codes = TEMPLATE.lines().filter_map(|line| line.trim().strip_prefix(CODE));
    for code in codes {
        let bootstrap = folder.join(code).join("bootstrap");
        std::fs::create_dir_all(folder.join(code)).unwrap();
        std::fs::write(&bootstrap, STAND_IN).unwrap();
        std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let template = folder.join("infra/template.yaml");
    std::fs::create_dir_all(folder.join("infra")).unwrap();
    std::fs::write(&template, TEMPLATE).unwrap();
    template
}

/// The rows, as if they had been written at this time: what is too old is parked.
pub(crate) fn rows_written_at(now: Timestamp) -> Vec<Row> {
    let tables: Value = serde_json::from_str(&moved(now)).unwrap();
    assert_eq!(tables.as_object().unwrap().len(), TABLES.len());
    let of_table = |(table, output, key): (&'static str, &'static str, &'static [&'static str])| {
        let rows = tables[table].as_array().unwrap().iter();
        rows.map(move |row| Row {
            table,
            output,
            key,
            attributes: attributes(row),
        })
    };
    TABLES.into_iter().flat_map(of_table).collect()
}

/// Moves what rows and events say of their time. Payloads stay as they are: the ledger knows them by a hash.
fn moved(now: Timestamp) -> String {
    let (written_ms, now_ms) = (Timestamp::parse(WRITTEN_AT).unwrap().unix_ms(), now.unix_ms());
    let forgotten_s = |from_ms: i64| (from_ms / 1_000 + LEDGER_RETENTION_S).to_string();
    let rows = ROWS.replace(&forgotten_s(written_ms), &forgotten_s(now_ms));
    MOMENTS_S.iter().fold(rows, |rows, seconds| {
        let (was_ms, is_ms) = (written_ms + seconds * 1_000, now_ms + seconds * 1_000);
        let (was, is) = (Timestamp::from_unix_ms(was_ms), Timestamp::from_unix_ms(is_ms));
        let rows = BEFORE_A_TIME.iter().fold(rows, |rows, before| {
            rows.replace(&format!("{before}{was}"), &format!("{before}{is}"))
        });
        rows.replace(&was_ms.to_string(), &is_ms.to_string())
    })
}

fn attributes(row: &Value) -> HashMap<String, AttributeValue> {
    let members = row.as_object().unwrap().iter();
    members.map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(typed: &Value) -> AttributeValue {
    let (kind, content) = typed.as_object().unwrap().iter().next().unwrap();
    match (kind.as_str(), content) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(flag)) => AttributeValue::Bool(*flag),
        ("L", Value::Array(values)) => AttributeValue::L(values.iter().map(attribute).collect()),
        ("M", map) => AttributeValue::M(attributes(map)),
        other => panic!("nothing in the rows is {other:?}"),
    }
}
