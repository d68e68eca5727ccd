//! Which process of a scenario stands for which function of the template, and what its names are there.

use onecommit_granted::{Cast, Channel, Part};

const LEDGER: (&str, &str) = ("ledger", "LedgerTable");
const EVENTS: (&str, &str) = ("events", "EventsTable");
const SAGAS: (&str, &str) = ("sagas", "SagasTable");
const CLAIMS: (&str, &str) = ("claims", "ClaimCheckBucket");

pub(super) const CAST: Cast = Cast {
    parts: PARTS,
    topics: &[
        // The store's way. The relay publishes to its bus as well.
        ("moves", Channel::Topic("EventsTopic")),
        ("words", Channel::Topic("EventsTopic")),
        ("sales", Channel::Topic("EventsTopic")),
        (
            "events",
            Channel::TopicAndBus {
                topic: "EventsTopic",
                bus: "EventBus",
                source: "EventSource",
            },
        ),
        // The outside way.
        ("outside", Channel::Topic("OutsideTopic")),
        ("scales", Channel::Topic("OutsideTopic")),
        // Messages that somebody sends to a queue.
        ("wakes", Channel::Queue("OrchestratorQueue")),
        ("redrive", Channel::Queue("ConsumerQueue")),
    ],
    // Its consumer reads streams of the store and keeps a table as well, which no function does.
    queues: &[("guestbook", "ConsumerQueue")],
    apart: &["services"],
};

const RELAY: Part = Part {
    process: "relay",
    function: "RelayFunction",
    tables: &[EVENTS],
    dead_letters: Some(("relay-dead-letters", "RelayDlq")),
    ..Part::NOTHING
};

/// What publishes in the name of producers outside, and leaves their payloads in the bucket.
const PUBLISHER: Part = Part {
    process: "honest",
    function: "PublisherFunction",
    buckets: &[("payloads", "ClaimCheckBucket")],
    ..Part::NOTHING
};

/// A consumer that keeps rows in a table of its own, and ledger rows under its own name.
macro_rules! consumer {
    ($process:literal on $queue:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            function: "ConsumerFunction",
            tables: &[LEDGER, $(($table, "ViewsTable")),*],
            keys: &[
                ("LedgerTable", concat!($process, "#"), "orders-view#"),
                ("ViewsTable", "", "order#"),
            ],
            queue: Some(($queue, "ConsumerQueue")),
            dead_letters: Some(($queue, "ConsumerDlq")),
            ..Part::NOTHING
        }
    };
}

/// Of which two versions run at once.
const WEIGHTS: Part = consumer!("weights" on "weighed" keeps "weights");

/// The same on the store's way, which gives leases on messages back, as the context of notifications does.
macro_rules! notifying {
    ($process:literal on $queue:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            function: "NotificationsFunction",
            tables: &[LEDGER, $(($table, "NotificationsTable")),*],
            keys: &[("LedgerTable", concat!($process, "#"), "notifications#")],
            queue: Some(($queue, "NotificationsQueue")),
            dead_letters: Some(($queue, "NotificationsDlq")),
            ..Part::NOTHING
        }
    };
}

/// The same, which reads its rows, claims payloads and has the store tell of what it did, as the catalog does.
macro_rules! keeping_stock {
    ($process:literal on $queue:literal keeps $($table:literal)*) => {
        Part {
            process: $process,
            function: "CatalogFunction",
            tables: &[LEDGER, EVENTS, $(($table, "CatalogTable")),*],
            keys: &[
                ("LedgerTable", concat!($process, "#"), "catalog#"),
                ("EventsTable", "Order#", "Reservation#"),
            ],
            buckets: &[CLAIMS],
            queue: Some(($queue, "CatalogQueue")),
            dead_letters: Some(($queue, "CatalogDlq")),
            ..Part::NOTHING
        }
    };
}

const PARTS: &[Part] = &[
    RELAY,
    Part {
        process: "recovery",
        ..RELAY
    },
    PUBLISHER,
    Part {
        process: "sender",
        buckets: &[],
        ..PUBLISHER
    },
    Part {
        process: "orchestrator",
        function: "OrchestratorFunction",
        tables: &[LEDGER, EVENTS, SAGAS],
        keys: &[("EventsTable", "TripSaga#", "OrderSaga#")],
        queue: Some(("orchestrator", "OrchestratorQueue")),
        dead_letters: Some(("orchestrator", "OrchestratorDlq")),
        ..Part::NOTHING
    },
    Part {
        process: "sweeper",
        function: "SweeperFunction",
        tables: &[SAGAS],
        indexes: &[("by-deadline", "deadlines")],
        ..Part::NOTHING
    },
    Part {
        process: "projector",
        function: "ProjectorFunction",
        tables: &[LEDGER, EVENTS, ("views", "ViewsTable")],
        keys: &[
            ("LedgerTable", "takings@", "order-summary@"),
            ("LedgerTable", "articles@", "also-bought@"),
            ("ViewsTable", "takings@", "order-summary@"),
            ("ViewsTable", "articles@", "also-bought@"),
        ],
        queue: Some(("sales", "ProjectorQueue")),
        dead_letters: Some(("sales", "ProjectorDlq")),
        ..Part::NOTHING
    },
    consumer!("counts" on "counts" keeps "counts"),
    consumer!("sums" on "sums" keeps "weights"),
    consumer!("totals" on "totals" keeps "weights"),
    consumer!("parcel-counts" on "parcel-counts" keeps "weights"),
    WEIGHTS,
    Part {
        process: "weights-before",
        ..WEIGHTS
    },
    Part {
        process: "weights-after",
        ..WEIGHTS
    },
    consumer!("weather" on "weather" keeps "temperatures" "rain"),
    consumer!("registrations" on "registrations" keeps "users"),
    consumer!("donations" on "donations" keeps "donations"),
    keeping_stock!("moves" on "moves" keeps "moves"),
    keeping_stock!("stories" on "stories" keeps "stories"),
    keeping_stock!("pages" on "pages" keeps "pages"),
    keeping_stock!("words" on "words.fifo" keeps "texts"),
    keeping_stock!("seats" on "seats" keeps "seats" "refusals"),
    keeping_stock!("door" on "door.fifo" keeps "doors"),
    keeping_stock!("orders" on "orders" keeps "views"),
    notifying!("letters" on "letters" keeps "letters"),
    notifying!("mailer" on "letters" keeps "views"),
    notifying!("transfers" on "transfers" keeps "transfers"),
];
