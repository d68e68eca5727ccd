//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Benchmarks of onecommit's functions, beside what people use today.
///
/// Starts and stops all it needs on free loopback ports: DynamoDB Local, a Lambda runtime API, a counting proxy.
/// Results go to bench/results, one JSON file per subcommand and one table for all in README.md.
#[derive(Debug, Parser)]
#[command(name = "onecommit-bench", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Fewer samples: shows that all works, not what it costs.
    #[arg(long, global = true)]
    pub(crate) quick: bool,
    /// A function binary to use instead of the one cargo builds; may be given several times.
    #[arg(long = "function", global = true, value_name = "NAME=PATH", value_parser = parse_function)]
    pub(crate) functions: Vec<(String, PathBuf)>,
    /// Use what is built already, of our functions and of the contestants.
    #[arg(long, global = true)]
    pub(crate) no_build: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Process start to the first `next` of the Lambda runtime API, and the size of the zip.
    ColdStart(ColdStart),
    /// DynamoDB requests per unique message and per duplicate, and that duplicates have no second effect.
    Requests(Requests),
    /// Ours beside Powertools for Python and Node and a plain hand-written Rust function.
    Compare(Compare),
    /// The long-polling worker beside the npm package sqs-consumer, against MiniStack.
    Worker(Worker),
    /// The relay under a steady load: throughput, and lag from commit to publication, on MiniStack.
    Relay(Relay),
    /// Orders through the whole storefront on MiniStack: sagas per second, their requests and what they would cost.
    Sagas(Sagas),
    /// Our event store beside cqrs-es on dynamo-es: append, load, sixteen writers on one stream.
    EventStore(EventStore),
    /// Calls to another service: the client, circuits and tokens beside undici, opossum and jose.
    Calls(Calls),
    /// What handling events costs at list prices, beside others, from what the others measured: writes docs/cost.md.
    Cost,
    /// Everything, one after the other.
    All,
}

#[derive(Debug, Default, Args)]
pub(crate) struct ColdStart {
    /// Starts of each process.
    #[arg(long, value_name = "N")]
    pub(crate) samples: Option<usize>,
    /// Only these contestants; may be given several times.
    #[arg(long = "contestant", value_name = "NAME")]
    pub(crate) contestants: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Relay {
    /// Events appended per second.
    #[arg(long, value_name = "N")]
    pub(crate) per_second: Option<usize>,
    /// For how many seconds.
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<u64>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Sagas {
    /// Orders placed, each of which is a saga of five steps.
    #[arg(long, value_name = "N")]
    pub(crate) orders: Option<usize>,
    /// Sagas under way at a time, at most 100.
    #[arg(long, value_name = "N")]
    pub(crate) in_flight: Option<usize>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Requests {
    /// Unique messages; each is then delivered twice more.
    #[arg(long, value_name = "N")]
    pub(crate) messages: Option<usize>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Compare {
    /// Times each contestant starts anew in each scenario, in turn with the others.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Measured batches of 10 in each round.
    #[arg(long, value_name = "N")]
    pub(crate) batches: Option<usize>,
    /// Batches between the first one and the measured ones.
    #[arg(long, value_name = "N")]
    pub(crate) warm_up: Option<usize>,
    /// Latency added to each DynamoDB request, in milliseconds; may be given several times.
    #[arg(long = "latency", value_name = "MS", value_parser = parse_ms)]
    pub(crate) latencies: Vec<Duration>,
    /// Only these contestants; may be given several times.
    #[arg(long = "contestant", value_name = "NAME")]
    pub(crate) contestants: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Worker {
    /// Messages each worker has to take from its queue, in each round.
    #[arg(long, value_name = "N")]
    pub(crate) messages: Option<usize>,
    /// Times each worker starts anew, in turn with the other.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Only these contestants; may be given several times.
    #[arg(long = "contestant", value_name = "NAME")]
    pub(crate) contestants: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct EventStore {
    /// Times each contestant starts anew for each task, in turn with the other.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,
    /// Latency added to each DynamoDB request, in milliseconds; may be given several times.
    #[arg(long = "latency", value_name = "MS", value_parser = parse_ms)]
    pub(crate) latencies: Vec<Duration>,
    /// Only these contestants; may be given several times.
    #[arg(long = "contestant", value_name = "NAME")]
    pub(crate) contestants: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Calls {
    /// How long the service fails, in seconds.
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<u32>,
}

fn parse_function(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
    Ok((name.to_owned(), PathBuf::from(path)))
}

fn parse_ms(text: &str) -> Result<Duration, String> {
    let ms: f64 = text
        .parse()
        .map_err(|_| "expected a number of milliseconds".to_owned())?;
    Duration::try_from_secs_f64(ms / 1_000.0).map_err(|error| error.to_string())
}
