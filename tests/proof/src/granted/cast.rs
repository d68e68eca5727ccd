//! Which process of a scenario stands for which function of the template, and what its names are there.

use std::collections::BTreeMap;

use onecommit_authority::policy::{Asker, Opinion, Policy};
use onecommit_authority::{ACCOUNT, Call, Template, TemplateError, TemplateRole};

/// A process, by the beginning of its name, and its role.
pub(super) struct Part {
    pub(super) process: &'static str,
    pub(super) role: &'static str,
    /// Tables: in the scenario, and in the template.
    tables: &'static [(&'static str, &'static str)],
    /// What partition keys begin with: the table of the template, in the scenario, and in the template.
    keys: &'static [(&'static str, &'static str, &'static str)],
    /// Names of indexes: in the scenario, and in the template.
    indexes: &'static [(&'static str, &'static str)],
    /// What publishing is: the action, and the topic or queue.
    publishes: Option<(&'static str, &'static str)>,
    queue: Option<&'static str>,
    dead_letters: Option<&'static str>,
}

const LEDGER: (&str, &str) = ("ledger", "LedgerTable");
const EVENTS: (&str, &str) = ("events", "EventsTable");
const SAGAS: (&str, &str) = ("sagas", "SagasTable");

const NOTHING: Part = Part {
    process: "",
    role: "",
    tables: &[],
    keys: &[],
    indexes: &[],
    publishes: None,
    queue: None,
    dead_letters: None,
};

const RELAY: Part = Part {
    process: "relay",
    role: "RelayRole",
    tables: &[EVENTS],
    publishes: Some(("sns:Publish", "EventsTopic")),
    dead_letters: Some("RelayDlq"),
    ..NOTHING
};

/// A consumer that keeps rows in a table of its own, and ledger rows under its own name.
macro_rules! consumer {
    ($process:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            role: "ConsumerRole",
            tables: &[LEDGER, $(($table, "ViewsTable")),*],
            keys: &[
                ("LedgerTable", concat!($process, "#"), "orders-view#"),
                ("ViewsTable", "", "order#"),
            ],
            queue: Some("ConsumerQueue"),
            dead_letters: Some("ConsumerDlq"),
            ..NOTHING
        }
    };
}

/// Of which two versions run at once.
const WEIGHTS: Part = consumer!("weights" keeps "weights");

/// The same, which gives leases on messages back, as the context of notifications does.
macro_rules! notifying {
    ($process:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            role: "NotificationsRole",
            tables: &[LEDGER, $(($table, "NotificationsTable")),*],
            keys: &[("LedgerTable", concat!($process, "#"), "notifications#")],
            queue: Some("NotificationsQueue"),
            dead_letters: Some("NotificationsDlq"),
            ..NOTHING
        }
    };
}

/// The same, which reads its rows and has the store tell of what it did, as the catalog does.
macro_rules! keeping_stock {
    ($process:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            role: "CatalogRole",
            tables: &[LEDGER, EVENTS, $(($table, "CatalogTable")),*],
            keys: &[
                ("LedgerTable", concat!($process, "#"), "catalog#"),
                ("EventsTable", "", "Product#"),
            ],
            queue: Some("CatalogQueue"),
            dead_letters: Some("CatalogDlq"),
            ..NOTHING
        }
    };
}

pub(super) const PARTS: &[Part] = &[
    RELAY,
    Part {
        process: "recovery",
        ..RELAY
    },
    Part {
        process: "orchestrator",
        role: "OrchestratorRole",
        tables: &[LEDGER, EVENTS, SAGAS],
        keys: &[("EventsTable", "TripSaga#", "OrderSaga#")],
        queue: Some("OrchestratorQueue"),
        dead_letters: Some("OrchestratorDlq"),
        ..NOTHING
    },
    Part {
        process: "sweeper",
        role: "SweeperRole",
        tables: &[SAGAS],
        indexes: &[("by-deadline", "deadlines")],
        publishes: Some(("sqs:SendMessage", "OrchestratorQueue")),
        ..NOTHING
    },
    Part {
        process: "projector",
        role: "ProjectorRole",
        tables: &[LEDGER, EVENTS, ("views", "ViewsTable")],
        keys: &[
            ("LedgerTable", "takings@", "order-summary@"),
            ("LedgerTable", "articles@", "also-bought@"),
            ("ViewsTable", "takings@", "order-summary@"),
            ("ViewsTable", "articles@", "also-bought@"),
        ],
        queue: Some("ProjectorQueue"),
        dead_letters: Some("ProjectorDlq"),
        ..NOTHING
    },
    consumer!("moves" keeps "moves"),
    consumer!("stories" keeps "stories"),
    consumer!("counts" keeps "counts"),
    consumer!("sums" keeps "weights"),
    consumer!("totals" keeps "weights"),
    consumer!("parcel-counts" keeps "weights"),
    WEIGHTS,
    Part {
        process: "weights-before",
        ..WEIGHTS
    },
    Part {
        process: "weights-after",
        ..WEIGHTS
    },
    consumer!("weather" keeps "temperatures" "rain"),
    consumer!("registrations" keeps "users"),
    consumer!("donations" keeps "donations"),
    consumer!("pages" keeps "pages"),
    keeping_stock!("words" keeps "texts"),
    keeping_stock!("seats" keeps "seats" "refusals"),
    keeping_stock!("door" keeps "doors"),
    notifying!("letters" keeps "letters"),
    notifying!("transfers" keeps "transfers"),
];

/// A part as it is played: its role, and the ARNs of what it names.
pub(super) struct Actor {
    part: &'static Part,
    role: String,
    policy: Policy,
    arns: BTreeMap<&'static str, String>,
}

/// A name of a scenario that the part does not have.
pub(super) type NoName = String;

impl Actor {
    pub(super) fn of(part: &'static Part, template: &Template, role: &TemplateRole) -> Result<Self, TemplateError> {
        let tables = part.tables.iter().map(|(_, table)| *table);
        let others = [
            part.publishes.map(|(_, resource)| resource),
            part.queue,
            part.dead_letters,
        ];
        let named = tables.chain(others.into_iter().flatten());
        let arns = named.map(|name| Ok((name, template.arn(name)?)));
        Ok(Self {
            part,
            role: role.arn.clone(),
            policy: role.policy()?,
            arns: arns.collect::<Result<_, TemplateError>>()?,
        })
    }

    /// Why it may not make this call.
    pub(super) fn refuses(&self, call: &Call) -> Option<String> {
        let asker = Asker::Role {
            arn: &self.role,
            account: ACCOUNT,
        };
        let why = match self.policy.opinion(&asker, call) {
            Opinion::Allows(_) => return None,
            Opinion::Denies(statement) => format!("{} denies it", statement.id),
            Opinion::Silent => "no statement grants it".to_owned(),
        };
        let keys: Vec<String> = call
            .keys
            .iter()
            .map(|(key, values)| format!("{key} {values:?}"))
            .collect();
        let Call { action, resource, .. } = call;
        Some(format!(
            "{}: {action} on {resource}: {why}; {}",
            self.words(),
            keys.join(", ")
        ))
    }

    /// Process and role.
    pub(super) fn words(&self) -> String {
        format!("{} as {}", self.part.process, self.part.role)
    }

    /// The table in the template, and its ARN.
    pub(super) fn table(&self, name: &str) -> Result<(&'static str, &str), NoName> {
        let found = self.part.tables.iter().find(|(simulated, _)| *simulated == name);
        let (_, table) = found.ok_or_else(|| format!("{}: the table {name} has no part in it", self.words()))?;
        Ok((*table, self.arn(table)?))
    }

    /// A partition key of that table, as it is in the template.
    pub(super) fn key(&self, table: &str, key: &str) -> String {
        let renamed = self.part.keys.iter().find_map(|(of, simulated, in_template)| {
            let rest = key.strip_prefix(simulated).filter(|_| *of == table)?;
            Some(format!("{in_template}{rest}"))
        });
        renamed.unwrap_or_else(|| key.to_owned())
    }

    pub(super) fn index(&self, name: &str) -> String {
        let renamed = self.part.indexes.iter().find(|(simulated, _)| *simulated == name);
        renamed.map_or(name, |(_, in_template)| in_template).to_owned()
    }

    /// Action and ARN of publishing.
    pub(super) fn publishing(&self) -> Result<(&'static str, &str), NoName> {
        let publishes = self.part.publishes;
        let (action, resource) = publishes.ok_or_else(|| format!("{}: it publishes nothing", self.words()))?;
        Ok((action, self.arn(resource)?))
    }

    pub(super) fn queue(&self) -> Result<&str, NoName> {
        self.arn(self.part.queue.unwrap_or("a queue"))
    }

    pub(super) fn dead_letters(&self) -> Result<&str, NoName> {
        self.arn(self.part.dead_letters.unwrap_or("a dead-letter queue"))
    }

    fn arn(&self, name: &str) -> Result<&str, NoName> {
        let arn = self.arns.get(name).map(String::as_str);
        arn.ok_or_else(|| format!("{}: it has not got {name}", self.words()))
    }
}
