//! DynamoDB requests per message of our consumer: for each unique message, for each duplicate in a later batch, and for each
//! duplicate that a process gets which cannot remember anything.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cli::{self, Common};
use crate::contestants::{self, Contestant};
use crate::lab::dynamodb_local::DynamoDbLocal;
use crate::lab::exchange::Tally;
use crate::lab::function::Function;
use crate::lab::proxy::Proxy;
use crate::lab::tables::Tables;
use crate::report::{Environment, Goal, Report, Table, goals_table};
use crate::workload::{BATCH_SIZE, Batch, Source};
use crate::workspace::Workspace;

const MESSAGES: usize = 100;
const MESSAGES_QUICK: usize = 20;

/// What one contestant spent on one kind of message.
struct Spent {
    contestant: String,
    on: &'static str,
    messages: usize,
    failures: usize,
    tally: Tally,
}

/// What is in the tables at the end.
struct Effects {
    contestant: String,
    view_rows: usize,
    ledger_rows: usize,
    rows_written_twice: usize,
}

pub(crate) async fn run(workspace: &Workspace, common: &Common, options: &cli::Requests) -> Result<()> {
    let messages = options
        .messages
        .unwrap_or(if common.quick { MESSAGES_QUICK } else { MESSAGES });
    let consumers = contestants::prepare(workspace, common, &["ours".to_owned(), "ours+group".to_owned()]).await?;
    let dynamodb = DynamoDbLocal::start(workspace).await?;
    let (mut spent, mut effects) = (Vec::new(), Vec::new());
    for consumer in &consumers {
        eprintln!("requests of {} ...", consumer.name);
        let (phases, effect) = measure(&dynamodb, consumer, messages).await?;
        spent.extend(phases);
        effects.push(effect);
    }
    report(&spent, &effects, messages, common).await.publish(workspace)?;
    for effect in &effects {
        effect.must_be_once_each(messages)?;
    }
    Ok(())
}

async fn measure(dynamodb: &DynamoDbLocal, consumer: &Contestant, messages: usize) -> Result<(Vec<Spent>, Effects)> {
    let tables = Tables::create(
        &dynamodb.direct,
        &format!("requests-{}", consumer.name.replace('+', "-")),
        consumer.ledger_key,
    )
    .await?;
    let proxy = Proxy::start(dynamodb.upstream.clone(), Duration::ZERO).await?;
    let launch = consumer.launch(&tables, &proxy.url());
    let mut source = Source::default();
    let unique: Vec<_> = (0..messages.div_ceil(BATCH_SIZE)).map(|_| source.unique()).collect();
    let duplicates: Vec<_> = source.sent().chunks(BATCH_SIZE).map(Source::again).collect();

    let mut first = Function::start(&launch).await?;
    let mut phases = vec![
        deliver(consumer, &proxy, &mut first, "a unique message", &unique).await?,
        deliver(
            consumer,
            &proxy,
            &mut first,
            "a duplicate in a later batch",
            &duplicates,
        )
        .await?,
    ];
    first.stop().await?;
    let mut second = Function::start(&launch).await?;
    phases.push(
        deliver(
            consumer,
            &proxy,
            &mut second,
            "a duplicate in another process",
            &duplicates,
        )
        .await?,
    );
    second.stop().await?;

    let effects = effects(consumer, &tables, &phases).await?;
    tables.delete().await?;
    Ok((phases, effects))
}

async fn deliver(
    consumer: &Contestant,
    proxy: &Proxy,
    function: &mut Function,
    on: &'static str,
    batches: &[Batch],
) -> Result<Spent> {
    let mut failures = 0;
    for batch in batches {
        failures += function.handle(batch).await?.failed.len();
    }
    let messages = batches.iter().map(|batch| batch.deliveries.len()).sum();
    let tally = Tally::of(&proxy.take_exchanges());
    Ok(Spent {
        contestant: consumer.name.clone(),
        on,
        messages,
        failures,
        tally,
    })
}

async fn effects(consumer: &Contestant, tables: &Tables, phases: &[Spent]) -> Result<Effects> {
    let mut writes = std::collections::BTreeMap::<&str, usize>::new();
    for (key, times) in phases.iter().flat_map(|phase| phase.tally.writes_to(&tables.views)) {
        *writes.entry(key).or_default() += times;
    }
    Ok(Effects {
        contestant: consumer.name.clone(),
        view_rows: tables.view_rows().await?.len(),
        ledger_rows: tables.ledger_rows().await?,
        rows_written_twice: writes.values().filter(|times| **times > 1).count(),
    })
}

impl Effects {
    fn must_be_once_each(&self, messages: usize) -> Result<()> {
        let name = &self.contestant;
        ensure!(
            self.rows_written_twice == 0,
            "{name} wrote {} rows more than once",
            self.rows_written_twice
        );
        ensure!(
            self.view_rows == messages,
            "{name} wrote {} rows for {messages} messages",
            self.view_rows
        );
        ensure!(
            self.ledger_rows == messages,
            "{name} recorded {} of {messages} messages",
            self.ledger_rows
        );
        Ok(())
    }
}

impl Spent {
    fn requests_per_message(&self) -> f64 {
        self.tally.requests as f64 / self.messages as f64
    }

    fn row(&self) -> Vec<String> {
        vec![
            format!("{}: {}", self.contestant, self.on),
            self.messages.to_string(),
            format!("{:.2}", self.requests_per_message()),
            format!("{:.2}", self.tally.write_units / self.messages as f64),
            self.failures.to_string(),
            self.tally.unexpected.to_string(),
        ]
    }

    fn data(&self) -> Value {
        json!({
            "contestant": self.contestant,
            "on": self.on,
            "messages": self.messages,
            "requests": self.tally.requests,
            "byOperation": self.tally.by_operation,
            "writeUnits": self.tally.write_units,
            "batchItemFailures": self.failures,
            "unexpected": self.tally.unexpected,
        })
    }
}

async fn report(spent: &[Spent], effects: &[Effects], messages: usize, common: &Common) -> Report {
    let columns = [
        "DynamoDB requests for",
        "messages",
        "requests each",
        "write units each",
        "reported failed",
        "requests in error",
    ];
    let mut requests = Table::new("Requests per message", &columns);
    requests.rows = spent.iter().map(Spent::row).collect();
    let mut once = Table::new(
        "What is in the tables at the end",
        &[
            "contestant",
            "unique messages",
            "view rows",
            "ledger rows",
            "rows written twice",
        ],
    );
    once.rows = effects.iter().map(|effect| effect_row(effect, messages)).collect();
    Report {
        name: "requests".into(),
        title: "DynamoDB requests per message".into(),
        notes: vec![
            "Batches of 10. Every message is delivered once, then again to the same process, then again to a fresh one. \
             Write units are the documented price: two for each action of a transaction, cancelled or not, and one for a \
             single write, refused or not."
                .into(),
        ],
        environment: Environment::look(common.quick).await,
        tables: vec![requests, once, goals_table(&goals(spent))],
        data: spent.iter().map(Spent::data).collect(),
    }
}

fn effect_row(effect: &Effects, messages: usize) -> Vec<String> {
    let counts = [
        messages,
        effect.view_rows,
        effect.ledger_rows,
        effect.rows_written_twice,
    ];
    std::iter::once(effect.contestant.clone())
        .chain(counts.map(|count| count.to_string()))
        .collect()
}

fn goals(spent: &[Spent]) -> Vec<Goal> {
    let goal = |spent: &Spent| {
        let is_grouped_unique = spent.contestant == "ours+group" && spent.on == "a unique message";
        let limit = if is_grouped_unique { 0.15 } else { 1.0 };
        Goal::new(
            format!("{}: requests for {}", spent.contestant, spent.on),
            spent.requests_per_message(),
            limit,
            "",
        )
    };
    spent.iter().map(goal).collect()
}
