//! The cells as tables.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Common;
use crate::commands::event_store::cell::{Cell, Contestant};
use crate::commands::event_store::work::{EVENTS_SINCE_SNAPSHOT, WRITERS, Way, Work};
use crate::commands::event_store::{Landed, Plan, is_for};
use crate::contestants::event_stores::{CQRS_ES, OURS};
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::statistics::{median, ms, percentile};

/// Where the goal for loading is set.
const GOAL_STREAM: u64 = 1_000;
/// Ours is to take at most half the time.
const TIME_OF_CQRS_ES: f64 = 0.5;

/// The rounds of one contestant at one kind of work.
struct Rounds<'a> {
    cells: Vec<&'a Cell>,
}

impl<'a> Rounds<'a> {
    fn of(cells: &'a [Cell], contestant: &str, work: Work, latency: Duration) -> Option<Self> {
        let is_of = |cell: &&Cell| cell.contestant == contestant && cell.work == work && cell.latency == latency;
        let cells: Vec<_> = cells.iter().filter(is_of).collect();
        (!cells.is_empty()).then_some(Self { cells })
    }

    fn samples(&self) -> Vec<Duration> {
        self.cells
            .iter()
            .flat_map(|cell| cell.samples.iter().copied())
            .collect()
    }

    fn p50(&self) -> Duration {
        median(&self.samples())
    }

    fn total(&self, of: impl Fn(&Cell) -> f64) -> f64 {
        self.cells.iter().map(|cell| of(cell)).sum()
    }

    fn per_sample(&self, of: impl Fn(&Cell) -> f64) -> f64 {
        self.total(of) / self.samples().len() as f64
    }

    fn cpu_ms(&self) -> f64 {
        self.per_sample(|cell| ms(cell.cpu))
    }

    /// Events that were really appended or read, by the time that took.
    fn events_per_s(&self, events_of_sample: u64) -> f64 {
        let seconds: f64 = self.samples().iter().map(Duration::as_secs_f64).sum();
        (self.samples().len() as u64 * events_of_sample) as f64 / seconds
    }

    fn events_read(&self) -> u64 {
        self.cells
            .iter()
            .map(|cell| cell.answer.events)
            .min()
            .unwrap_or_default()
    }
}

pub(crate) async fn of(
    contestants: &[Contestant],
    plan: &Plan,
    cells: &[Cell],
    appended: &[Cell],
    landed: &[Landed],
    common: &Common,
    others: String,
) -> Report {
    let mut tables = Vec::new();
    for &latency in &plan.latencies {
        tables.push(append_table(contestants, plan, cells, latency));
        tables.push(load_table(contestants, plan, cells, latency));
    }
    tables.push(writers_table(contestants, plan, cells, landed));
    tables.push(past_one_page_table(contestants, plan, cells, appended));
    let goals = goals(plan, cells, landed);
    if !goals.is_empty() {
        tables.push(goals_table(&goals));
    }
    Report {
        name: "event-store".into(),
        title: "Event store".into(),
        notes: vec![
            format!(
                "{} rounds, contestants in turn, a new process for each line and round, on one thread; payloads of 600 bytes. \
                 Streams with a snapshot have it {EVENTS_SINCE_SNAPSHOT} events back.",
                plan.rounds
            ),
            others,
        ],
        environment: Environment::look(common.quick).await,
        tables,
        data: cells.iter().chain(appended).map(data).collect(),
    }
}

/// Every contestant that takes part in this work, with its rounds.
fn rounds_of<'a>(
    contestants: &'a [Contestant],
    cells: &'a [Cell],
    work: Work,
    latency: Duration,
) -> impl Iterator<Item = (&'static str, Rounds<'a>)> {
    let names = contestants.iter().map(|contestant| contestant.store.name);
    names
        .filter(move |name| is_for(work, name))
        .filter_map(move |name| Some((name, Rounds::of(cells, name, work, latency)?)))
}

fn append_table(contestants: &[Contestant], plan: &Plan, cells: &[Cell], latency: Duration) -> Table {
    let columns = [
        "append, events in one commit",
        "p50 ms",
        "p99 ms",
        "events/s",
        "CPU ms per commit",
        "DynamoDB requests per commit",
        "write units per event",
    ];
    let mut table = Table::new(format!("{} ms added: append", latency.as_millis()), &columns);
    for (work, _) in plan.works() {
        let Work::Append { events } = work else { continue };
        for (name, rounds) in rounds_of(contestants, cells, work, latency) {
            table.rows.push(vec![
                format!("{name}: {events}"),
                format!("{:.2}", ms(rounds.p50())),
                format!("{:.2}", ms(percentile(&rounds.samples(), 99.0))),
                format!("{:.0}", rounds.events_per_s(events as u64)),
                format!("{:.2}", rounds.cpu_ms()),
                format!("{:.2}", rounds.per_sample(|cell| cell.requests as f64)),
                format!(
                    "{:.2}",
                    rounds.per_sample(|cell| cell.write_units as f64) / events as f64
                ),
            ]);
        }
    }
    table
}

fn load_table(contestants: &[Contestant], plan: &Plan, cells: &[Cell], latency: Duration) -> Table {
    let columns = [
        "load, events of the stream",
        "p50 ms",
        "events/s",
        "CPU ms per load",
        "DynamoDB requests per load",
        "events in the state",
    ];
    let mut table = Table::new(format!("{} ms added: load", latency.as_millis()), &columns);
    for (work, _) in plan.works() {
        let Work::Load { stream, way } = work else { continue };
        for (name, rounds) in rounds_of(contestants, cells, work, latency) {
            let read = rounds.events_read();
            let speed = match way {
                Way::Snapshot => "-".to_owned(),
                Way::Events | Way::Pages => format!("{:.0}", rounds.events_per_s(read)),
            };
            table.rows.push(vec![
                format!("{name}: {stream}{}", suffix(way)),
                format!("{:.2}", ms(rounds.p50())),
                speed,
                format!("{:.2}", rounds.cpu_ms()),
                format!("{:.1}", rounds.per_sample(|cell| cell.requests as f64)),
                in_words(read, stream),
            ]);
        }
    }
    table
}

fn suffix(way: Way) -> &'static str {
    match way {
        Way::Events => "",
        Way::Snapshot => ", from its snapshot",
        Way::Pages => ", by `stream_events`",
    }
}

fn in_words(read: u64, stream: u64) -> String {
    if read == stream {
        "all".to_owned()
    } else {
        format!("**{read} of {stream}**")
    }
}

fn writers_table(contestants: &[Contestant], plan: &Plan, cells: &[Cell], landed: &[Landed]) -> Table {
    let columns = [
        "writers",
        "landed",
        "appends/s",
        "p50 ms",
        "p99 ms",
        "decided anew per append",
        "repeated by the caller",
        "DynamoDB requests per append",
    ];
    let title = format!("{WRITERS} writers on one stream, each loads, decides and appends one event again and again");
    let mut table = Table::new(title, &columns);
    for &latency in &plan.latencies {
        let contend = Work::Contend {
            times: plan.appends_each,
        };
        for (name, rounds) in rounds_of(contestants, cells, contend, latency) {
            let of_row = || {
                landed
                    .iter()
                    .filter(|each| each.contestant == name && each.latency == latency)
            };
            let (events, expected): (u64, u64) = (
                of_row().map(|each| each.events).sum(),
                of_row().map(|each| each.expected).sum(),
            );
            let appends = expected as f64;
            table.rows.push(vec![
                format!("{name}, {} ms added", latency.as_millis()),
                format!("{events} of {expected}"),
                format!("{:.0}", appends / rounds.total(|cell| cell.elapsed.as_secs_f64())),
                format!("{:.1}", ms(rounds.p50())),
                format!("{:.1}", ms(percentile(&rounds.samples(), 99.0))),
                format!("{:.2}", rounds.total(|cell| cell.refused as f64) / appends),
                format!("{:.0}", rounds.total(|cell| cell.answer.started_over as f64)),
                format!("{:.2}", rounds.total(|cell| cell.requests as f64) / appends),
            ]);
        }
    }
    table
}

fn past_one_page_table(contestants: &[Contestant], plan: &Plan, cells: &[Cell], appended: &[Cell]) -> Table {
    let mut table = Table::new(
        "Streams past 1 MB, where a page of a query ends",
        &["stream", "events loaded", "one more command"],
    );
    let latency = plan.latencies.first().copied().unwrap_or_default();
    for &stream in &plan.streams {
        let work = Work::Load {
            stream,
            way: Way::Events,
        };
        for (name, rounds) in rounds_of(contestants, cells, work, latency).filter(|_| stream > GOAL_STREAM) {
            let is_of = |cell: &&Cell| cell.contestant == name && cell.work == Work::AppendAfterLoad { stream };
            let outcome = appended
                .iter()
                .find(is_of)
                .map_or("-", |cell| match cell.answer.problem {
                    None => "lands",
                    Some(_) => "**never lands**",
                });
            table.rows.push(vec![
                format!("{name}: {stream}"),
                in_words(rounds.events_read(), stream),
                outcome.to_owned(),
            ]);
        }
    }
    table
}

fn goals(plan: &Plan, cells: &[Cell], landed: &[Landed]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for &latency in &plan.latencies {
        let work = Work::Load {
            stream: GOAL_STREAM,
            way: Way::Events,
        };
        let rounds = |name| Rounds::of(cells, name, work, latency);
        if let (Some(ours), Some(theirs)) = (rounds(OURS), rounds(CQRS_ES)) {
            let what = format!(
                "time to load {GOAL_STREAM} events against {CQRS_ES}, {} ms added",
                latency.as_millis()
            );
            goals.push(Goal::new(what, ms(ours.p50()) / ms(theirs.p50()), TIME_OF_CQRS_ES, "x"));
        }
    }
    let longest = plan.streams.iter().max().copied().unwrap_or_default();
    let missing = |cell: &&Cell| cell.contestant == OURS && matches!(cell.work, Work::Load { .. });
    let missing = cells
        .iter()
        .filter(missing)
        .map(|cell| cell.work.events().abs_diff(cell.answer.events));
    goals.extend(missing.max().map(|most| {
        Goal::new(
            format!("ours: events missing from a state, streams up to {longest}"),
            most as f64,
            0.0,
            "",
        )
    }));
    let lost = landed
        .iter()
        .filter(|each| each.contestant == OURS)
        .map(|each| each.expected.abs_diff(each.events));
    goals.extend(lost.max().map(|most| {
        Goal::new(
            format!("ours: appends of {WRITERS} writers lost or doubled"),
            most as f64,
            0.0,
            "",
        )
    }));
    goals
}

fn data(cell: &Cell) -> Value {
    json!({
        "contestant": cell.contestant,
        "work": cell.work.to_string(),
        "addedLatencyMs": ms(cell.latency),
        "samplesMs": cell.samples.iter().map(|sample| (ms(*sample) * 1_000.0).round() / 1_000.0).collect::<Vec<_>>(),
        "cpuMs": ms(cell.cpu),
        "requests": cell.requests,
        "refused": cell.refused,
        "writeUnits": cell.write_units,
        "eventsInState": cell.answer.events,
        "version": cell.answer.version,
        "storeGaveUp": cell.answer.started_over,
        "problem": cell.answer.problem,
    })
}
