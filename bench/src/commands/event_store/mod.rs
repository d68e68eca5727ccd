//! Our event store beside cqrs-es on dynamo-es: the same aggregate, the same events, the same DynamoDB Local, in turn.

mod cell;
mod report;
mod work;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cli::{self, Common};
use crate::contestants::event_stores::{self, CQRS_ES};
use crate::lab::dynamodb_local::DynamoDbLocal;
use crate::lab::streams::Streams;
use crate::lab::warm_up::warm_up;
use crate::workspace::Workspace;
use cell::{Cell, Contestant, seed};
use work::{WRITERS, Way, Work};

const LATENCIES_MS: [u64; 2] = [0, 4];
/// Past 1 MB, where a query's page ends, though not by much.
const PAST_ONE_PAGE: u64 = 2_000;

/// What to run.
struct Plan {
    rounds: usize,
    latencies: Vec<Duration>,
    streams: Vec<u64>,
    commits: usize,
    appends_each: usize,
    warm_up_rounds: usize,
}

impl Plan {
    fn of(common: &Common, options: &cli::EventStore) -> Self {
        let latencies = match options.latencies.as_slice() {
            [] => LATENCIES_MS.map(Duration::from_millis).into(),
            given => given.to_vec(),
        };
        let (rounds, streams, commits, appends_each, warm_up_rounds) = if common.quick {
            (1, vec![10, 1_000, PAST_ONE_PAGE], 10, 3, 100)
        } else {
            (3, vec![10, 1_000, PAST_ONE_PAGE, 100_000], 100, 20, 1_000)
        };
        Self {
            rounds: options.rounds.unwrap_or(rounds),
            latencies,
            streams,
            commits,
            appends_each,
            warm_up_rounds,
        }
    }

    /// What every contestant is asked to do, with how often.
    fn works(&self) -> Vec<(Work, usize)> {
        let appends = [1, 10, 50].map(|events| (Work::Append { events }, self.commits));
        let loads = self.streams.iter().flat_map(|&stream| {
            let ways = [Way::Events, Way::Snapshot, Way::Pages];
            ways.map(|way| (Work::Load { stream, way }, self.loads_of(stream, way)))
        });
        let contend = Work::Contend {
            times: self.appends_each,
        };
        appends.into_iter().chain(loads).chain([(contend, 1)]).collect()
    }

    /// The longer a stream, the fewer loads say enough.
    fn loads_of(&self, stream: u64, way: Way) -> usize {
        match (stream, way) {
            (_, Way::Snapshot) | (..100, _) => self.commits,
            (100..10_000, _) => self.commits.div_ceil(4),
            _ => 1,
        }
    }
}

/// Only cqrs-es has a second way of reading.
fn is_for(work: Work, contestant: &str) -> bool {
    !matches!(work, Work::Load { way: Way::Pages, .. }) || contestant == CQRS_ES
}

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::EventStore) -> Result<()> {
    let plan = Plan::of(common, options);
    let stores = event_stores::prepare(workspace, common, &options.contestants).await?;
    let dynamodb = DynamoDbLocal::start(workspace).await?;
    eprintln!("warming up DynamoDB Local ...");
    warm_up(&dynamodb.direct, plan.warm_up_rounds).await?;
    let mut contestants = Vec::new();
    for store in stores {
        let streams = Streams::create(&dynamodb.direct, store.name, store.layout).await?;
        contestants.push(Contestant { store, streams });
    }
    make_streams(&dynamodb, &contestants, &plan).await?;
    warm_up_with_all(&dynamodb, &contestants, &plan).await?;
    let machine = dynamodb.watch_machine()?;
    let cells = run_rounds(&dynamodb, &contestants, &plan).await?;
    let others = machine.in_words()?;
    let appended = append_past_one_page(&dynamodb, &contestants).await?;
    let landed = landed(&dynamodb, &contestants, &cells).await?;
    report::of(&contestants, &plan, &cells, &appended, &landed, common, others)
        .await
        .publish(workspace)
}

async fn make_streams(dynamodb: &DynamoDbLocal, contestants: &[Contestant], plan: &Plan) -> Result<()> {
    for &stream in &plan.streams {
        for contestant in contestants {
            eprintln!("{}: a stream of {stream} events ...", contestant.store.name);
            seed(dynamodb, contestant, &work::seed(stream)).await?;
        }
    }
    Ok(())
}

/// DynamoDB Local compiles itself while it runs.
async fn warm_up_with_all(dynamodb: &DynamoDbLocal, contestants: &[Contestant], plan: &Plan) -> Result<()> {
    for (work, times) in plan.works() {
        for contestant in contestants.iter().filter(|each| is_for(work, each.store.name)) {
            eprintln!("warming up: {work}: {}", contestant.store.name);
            Cell::measure(dynamodb, contestant, work, Duration::ZERO, times.div_ceil(2)).await?;
        }
    }
    Ok(())
}

async fn run_rounds(dynamodb: &DynamoDbLocal, contestants: &[Contestant], plan: &Plan) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for round in 0..plan.rounds {
        for &latency in &plan.latencies {
            for (work, times) in plan.works() {
                for place in 0..contestants.len() {
                    let contestant = &contestants[(place + round) % contestants.len()];
                    if !is_for(work, contestant.store.name) {
                        continue;
                    }
                    let (name, ms) = (contestant.store.name, latency.as_millis());
                    eprintln!("round {}/{}: {ms} ms, {work}: {name}", round + 1, plan.rounds);
                    let cell = Cell::measure(dynamodb, contestant, work, latency, times).await?;
                    if let Some(problem) = &cell.answer.problem {
                        eprintln!("{name}: {problem}");
                    }
                    cells.push(cell);
                }
            }
        }
    }
    Ok(cells)
}

/// Whether an aggregate whose stream is longer than a page can still be changed.
async fn append_past_one_page(dynamodb: &DynamoDbLocal, contestants: &[Contestant]) -> Result<Vec<Cell>> {
    let work = Work::AppendAfterLoad { stream: PAST_ONE_PAGE };
    let mut cells = Vec::new();
    for contestant in contestants {
        cells.push(Cell::measure(dynamodb, contestant, work, Duration::ZERO, 1).await?);
    }
    Ok(cells)
}

/// What is in the table after the writers of one cell were done.
struct Landed {
    contestant: &'static str,
    latency: Duration,
    events: u64,
    expected: u64,
}

/// Reads every stream that sixteen writers appended to: versions without a gap, and each writer's events, all of them.
async fn landed(dynamodb: &DynamoDbLocal, contestants: &[Contestant], cells: &[Cell]) -> Result<Vec<Landed>> {
    let mut all = Vec::new();
    for cell in cells {
        let Work::Contend { times } = cell.work else { continue };
        for contestant in contestants.iter().filter(|each| each.store.name == cell.contestant) {
            let versions = contestant.streams.versions(&cell.stream).await?;
            let is_whole = versions.iter().copied().eq(1..=versions.len() as u64);
            ensure!(is_whole, "{}: the stream {} has a gap", cell.contestant, cell.stream);
            let by_writer = cell::by_writer(dynamodb, contestant, &cell.stream).await?;
            let complete = (0..WRITERS as u32).all(|writer| by_writer.get(&writer) == Some(&(times as u64)));
            all.push(Landed {
                contestant: cell.contestant,
                latency: cell.latency,
                events: if complete {
                    versions.len() as u64
                } else {
                    by_writer.values().sum()
                },
                expected: WRITERS * times as u64,
            });
        }
    }
    Ok(all)
}
