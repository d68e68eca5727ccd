//! Views are made anew from the store while sales go on: whichever generation serves in the end shows every sale once,
//! and a half-built one is never shown.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    Commit, Consumer, Deadline, Delivery, EventLog, Failure, Ledger, SequencedUpdate, Settings, Table, TableReader,
    Verdict,
};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, Event, Metadata, NewEvent};
use onecommit_simulation::{BatchHandler, EVENTS, Host, LEDGER, Process, QueueSettings, Scenario, TopicKind, World};
use onecommit_views::{
    EngineFactory, InvalidViewName, Next, Projector, REFRESH, Rebuild, RebuildError, RebuildSettings, Rebuilt,
    ViewControl, ViewDefinition, ViewName, ViewReader, ViewRows,
};

use super::copies::{nothing_lost, store_of};
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Sold { article: String, pieces: i64 }
}

/// A rebuild, and how it goes about its work.
#[derive(Clone, Copy)]
pub(crate) struct Rebuilds {
    which: Which,
    pace: fn(RebuildSettings) -> RebuildSettings,
}

/// Which rebuild.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Of two views, one by sequence and one by the ledger; the projector reads what they miss from the store.
    OfTwo,
    /// Of the same two, and what comes too early has to wait for what comes before.
    Waiting,
    /// Of one view by two operators, who also clean up.
    ByTwo,
    /// Of a view that is added to a store with events.
    Added,
    /// By code that cannot handle one of the events, until it is mended.
    Mended,
}

const TOPIC: &str = "sales";
const QUEUE: &str = "sales";
pub(crate) const VIEWS: &str = "views";
const TAKINGS: &str = "takings";
const ARTICLES: &str = "articles";

/// How many pieces of all shops were sold before the rebuild, and never again.
const BREAD: (&str, i64) = ("bread", 7);
/// What was sold before the rebuild: shop, version, article, pieces.
const BEFORE: [(&str, u64, &str, i64); 4] = [
    ("a", 1, BREAD.0, 1),
    ("b", 1, BREAD.0, 2),
    ("c", 1, BREAD.0, 4),
    ("c", 2, "cake", 8),
];
/// What is sold meanwhile, with the second at which it is: while projectors are being told of the rebuild, when its
/// replay begins, and after it.
const MEANWHILE: [(u64, &str, u64, &str, i64); 5] = [
    (5, "c", 3, "milk", 16),
    (75, "a", 2, "milk", 32),
    (75, "d", 1, "milk", 64),
    (110, "b", 2, "milk", 128),
    (110, "b", 3, "milk", 256),
];

// ---------------------------------------------------------------- the views

/// How many pieces each shop sold, by sequence.
struct Takings;

impl ViewDefinition for Takings {
    fn name(&self) -> &str {
        TAKINGS
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.sequenced(move |event: &Event<Sold>| -> Result<SequencedUpdate, Failure> {
            let row = rows.update(event.aggregate().id(), "pieces");
            Ok(SequencedUpdate::accumulating(row.add("pieces", event.payload().pieces)))
        })
    }
}

/// How many pieces of each article all shops sold.
struct Articles {
    knows_cake: bool,
}

impl ViewDefinition for Articles {
    fn name(&self) -> &str {
        ARTICLES
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        let knows_cake = self.knows_cake;
        consumer.atomic(move |event: Event<Sold>| {
            let Sold { article, pieces } = event.payload();
            let commit = if article == "cake" && !knows_cake {
                Err(Failure::reject("what is cake?"))
            } else {
                Ok(Commit::of(rows.update(article, "pieces").add("pieces", *pieces)))
            };
            async move { commit }
        })
    }
}

fn view_of(name: &str) -> Arc<dyn ViewDefinition> {
    if name == TAKINGS {
        return Arc::new(Takings);
    }
    Arc::new(Articles { knows_cake: true })
}

// ---------------------------------------------------------------- who works on them

fn engines_of(process: &Process, settings: Settings) -> EngineFactory {
    let ledger = Ledger::new(Table::new(LEDGER));
    EngineFactory::new(process.tables(), ledger, process.environment()).with(settings)
}

fn control_of(process: &Process) -> ViewControl {
    ViewControl::new(process.tables(), Table::new(VIEWS), process.environment())
}

struct Keeper(Result<Projector, InvalidViewName>);

#[async_trait]
impl BatchHandler for Keeper {
    fn name(&self) -> &str {
        "projector"
    }

    async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        match &self.0 {
            Ok(projector) => projector.handle(deliveries, deadline).await,
            Err(_) => Vec::new(),
        }
    }
}

/// Sells what is to be sold meanwhile. What is stored is published, perhaps twice, whoever died on the way.
async fn sell(process: Process, log: EventLog, opening: Timestamp) {
    for (second, shop, version, article, pieces) in MEANWHILE {
        let environment = process.environment();
        let due = Duration::from_secs(second).saturating_sub(environment.clock().now().since(opening));
        environment.clock().sleep(due).await;
        let event = loop {
            match sold(&process, &log, shop, version, article, pieces).await {
                Some(event) => break event,
                None => environment.clock().sleep(Duration::from_secs(1)).await,
            }
        };
        while process.publish(TOPIC, event.clone()).await.is_err() {
            environment.clock().sleep(Duration::from_secs(1)).await;
        }
    }
}

/// The event as it is stored, if it is.
async fn sold(
    process: &Process,
    log: &EventLog,
    shop: &str,
    version: u64,
    article: &str,
    pieces: i64,
) -> Option<Event> {
    let store = store_of(process, log.clone());
    let stream = Aggregate::new("Shop", shop).ok()?;
    if let Some(event) = store.read(&stream, version).next().await.ok()? {
        return Some(event);
    }
    let article = article.to_owned();
    let new = NewEvent::of(&Sold { article, pieces }).ok()?;
    let metadata = Metadata::caused_by("till", format!("{shop}-{version}"));
    let stored = store.append(&stream, version - 1, vec![new], &metadata).await.ok()?;
    stored.into_iter().next()
}

/// Small steps, so that there is much between two of them.
fn pace() -> RebuildSettings {
    RebuildSettings::default().events_at_once(3).rows_per_page(2)
}

/// Runs a rebuild until it has switched, as an operator does; `mended` is what runs once an event could not be handled.
async fn rebuild(
    process: Process,
    log: EventLog,
    view: Arc<dyn ViewDefinition>,
    mended: Arc<dyn ViewDefinition>,
    pace: &RebuildSettings,
) {
    let mut view = view;
    loop {
        let (engines, control) = (engines_of(&process, Settings::default()), control_of(&process));
        let Ok(rebuild) = Rebuild::new(Arc::clone(&view), engines, control, log.clone()) else {
            return;
        };
        match rebuild.with(pace.clone()).run(|_| Next::GoOn).await {
            Ok(Rebuilt::Switched { generation, .. }) => {
                process.note(format!("switched {} to {generation}", view.name()));
                return;
            }
            Err(RebuildError::Parked(..)) => view = Arc::clone(&mended),
            Ok(Rebuilt::Paused(_)) | Err(_) => process.environment().clock().sleep(UNTIL_NEXT_TRY).await,
        }
    }
}

/// Between two tries of an operator.
const UNTIL_NEXT_TRY: Duration = Duration::from_secs(40);

/// Deletes what serves no more, as soon as that is allowed.
async fn clean(process: &Process, log: EventLog, view: &str, pace: &RebuildSettings) {
    process.environment().clock().sleep(pace.retired_for).await;
    let (engines, control) = (engines_of(process, Settings::default()), control_of(process));
    if let Ok(rebuild) = Rebuild::new(view_of(view), engines, control, log) {
        // Whatever is left then costs space alone.
        let _ = rebuild.with(pace.clone()).clean().await;
    }
}

/// Looks at the bread from time to time, as a shop's page does.
async fn look(process: Process) {
    let Ok(name) = ViewName::new(ARTICLES) else { return };
    let reader = ViewReader::new(name, control_of(&process), REFRESH);
    for _ in 0..LOOKS {
        process.environment().clock().sleep(UNTIL_NEXT_LOOK).await;
        let Ok(rows) = reader.rows().await else { continue };
        let row = process.tables().get(rows.table(), &rows.key(BREAD.0, "pieces")).await;
        if let Ok(row) = row {
            process.note(format!("{SEEN}{}", number(row.as_ref(), "pieces")));
        }
    }
}

const LOOKS: u32 = 4;
const UNTIL_NEXT_LOOK: Duration = Duration::from_secs(40);
const SEEN: &str = "bread seen: ";

// ---------------------------------------------------------------- the world

impl Rebuilds {
    pub(crate) const ALL: [Self; 5] = [
        Self::of(Which::OfTwo),
        Self::of(Which::Waiting),
        Self::of(Which::ByTwo),
        Self::of(Which::Added),
        Self::of(Which::Mended),
    ];

    const fn of(which: Which) -> Self {
        Self {
            which,
            pace: |pace| pace,
        }
    }

    /// The same at another pace.
    pub(crate) fn at_the_pace_of(self, pace: fn(RebuildSettings) -> RebuildSettings) -> Self {
        Self { pace, ..self }
    }

    /// How many times an exhaustive search takes something else than the oldest request first.
    pub(crate) fn disorder(self) -> u32 {
        match self.which {
            Which::OfTwo | Which::Waiting | Which::ByTwo => 1,
            Which::Added | Which::Mended => 2,
        }
    }
}

impl Which {
    fn views(self) -> &'static [&'static str] {
        match self {
            Self::OfTwo | Self::Waiting => &[TAKINGS, ARTICLES],
            Self::ByTwo | Self::Added | Self::Mended => &[ARTICLES],
        }
    }

    fn projector(self, process: &Process, log: EventLog) -> Keeper {
        let views = self.views().iter().map(|name| view_of(name)).collect();
        let (engines, control) = (engines_of(process, Settings::default()), control_of(process));
        let projector = Projector::new(views, engines, control, REFRESH);
        Keeper(projector.map(|projector| match self {
            Self::Waiting => projector,
            _ => projector.catching_up_from(log),
        }))
    }

    fn host(self) -> Host {
        match self {
            Self::Waiting => Host {
                batch: 1,
                ..Host::default()
            },
            _ => Host::default(),
        }
    }

    fn operators(self) -> u32 {
        if self == Self::ByTwo { 2 } else { 1 }
    }

    /// What was sold before the rebuild: in the store; and on its way to the views, if they are kept already.
    fn open(self, world: &mut World) {
        for (shop, version, article, pieces) in BEFORE {
            let article = article.to_owned();
            let sold = world.event("Shop", shop, Sold { article, pieces });
            let metadata = Metadata {
                sequence: Some(version),
                ..sold.metadata().clone()
            };
            let sold = sold.with_metadata(metadata);
            world.insert(world.event_log().put(&sold));
            if self != Self::Added {
                world.send(QUEUE, &sold);
            }
        }
        if let (Self::Added, Ok(name)) = (self, ViewName::new(ARTICLES)) {
            let _ = at_once(control_in(world).announce(&name));
        }
    }
}

impl Scenario for Rebuilds {
    fn name(&self) -> &str {
        match self.which {
            Which::OfTwo => "rebuilds of two views",
            Which::Waiting => "rebuilds of two views, gaps not filled",
            Which::ByTwo => "a rebuild by two operators",
            Which::Added => "a view added to a store with events",
            Which::Mended => "a rebuild by code that has to be mended",
        }
    }

    fn set_up(&self, world: &mut World) {
        let this = self.which;
        let pace = (self.pace)(pace());
        world.topic(TOPIC, TopicKind::Sns);
        // As in the template: a gap is waited for by time, and a clock that is behind makes the waits short.
        let queue = QueueSettings::new().receives_max(1_000);
        world.queue(QUEUE, queue);
        world.subscribe(TOPIC, QUEUE, &[]);
        this.open(world);
        let log = world.event_log();
        let of_projector = log.clone();
        world.batch_handler("projector", QUEUE, this.host(), move |process| {
            this.projector(process, of_projector.clone())
        });
        for view in this.views() {
            for number in 1..=this.operators() {
                let (log, pace) = (log.clone(), pace.clone());
                world.process(&format!("rebuild/{view}/{number}"), move |process| {
                    let (log, pace) = (log.clone(), pace.clone());
                    async move {
                        let mended = view_of(view);
                        let knows_cake = false;
                        let first = match this {
                            Which::Mended => Arc::new(Articles { knows_cake }),
                            _ => Arc::clone(&mended),
                        };
                        rebuild(process.clone(), log.clone(), first, mended, &pace).await;
                        if this == Which::ByTwo {
                            clean(&process, log, view, &pace).await;
                        }
                    }
                });
            }
        }
        let (of_till, opening) = (log, world.now());
        world.process("till", move |process| sell(process, of_till.clone(), opening));
        world.process("page", look);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let sales = sales(world);
        expect("sales", &(BEFORE.len() + MEANWHILE.len()), &sales.len())?;
        for view in self.which.views() {
            let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
            for (shop, sold) in &sales {
                let key = if *view == TAKINGS { shop } else { &sold.article };
                *expected.entry(key).or_default() += sold.pieces;
            }
            for (key, pieces) in expected {
                expect(&format!("{key} in {view}"), &pieces, &shown(world, view, key)?)?;
            }
            let switched = format!("switched {view}");
            if !world.notes().iter().any(|note| note.starts_with(&switched)) {
                return Err(format!("{view} was never rebuilt"));
            }
        }
        stays_seen(world)?;
        nothing_lost(world, QUEUE)
    }
}

/// Everything that was sold, and where.
fn sales(world: &World) -> Vec<(String, Sold)> {
    let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
    let events = rows.iter().filter_map(|row| EventLog::event_in(row).ok());
    let sold = events.filter_map(|event| {
        let sold = event.decode::<Sold>().ok()?.payload().clone();
        Some((event.aggregate().id().to_owned(), sold))
    });
    sold.collect()
}

/// What the generation that serves shows.
fn shown(world: &World, view: &str, key: &str) -> Result<i64, String> {
    let name = ViewName::new(view).map_err(|error| error.to_string())?;
    let reader = ViewReader::new(name, control_in(world), REFRESH);
    let rows = at_once(reader.rows())?.map_err(|error| error.to_string())?;
    let key = rows.key(key, "pieces");
    let row = at_once(world.tables().get(rows.table(), &key))?;
    Ok(number(row.map_err(|error| error.to_string())?.as_ref(), "pieces"))
}

/// What tables in memory answer, which takes no time.
fn at_once<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    let (mut answer, mut context) = (pin!(answer), Context::from_waker(Waker::noop()));
    let mut polls = (0..POLLS_MAX).map(|_| answer.as_mut().poll(&mut context));
    let ready = polls.find_map(|poll| match poll {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    });
    ready.ok_or_else(|| "the tables have to be waited for".to_owned())
}

/// More than a few requests take.
const POLLS_MAX: u32 = 100;

fn control_in(world: &World) -> ViewControl {
    let tables = world.tables();
    ViewControl::new(tables.clone(), Table::new(VIEWS), world.environment().clone())
}

/// What a page has shown in full it never shows in part again.
fn stays_seen(world: &World) -> Result<(), String> {
    let notes = world.notes();
    let seen = notes.iter().filter_map(|note| note.strip_prefix(SEEN)?.parse().ok());
    let since_full: Vec<i64> = seen.skip_while(|pieces| *pieces < BREAD.1).collect();
    expect(
        "bread that was seen since all of it was",
        &vec![BREAD.1; since_full.len()],
        &since_full,
    )
}
