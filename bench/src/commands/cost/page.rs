//! The page.

use anyhow::Result;

use super::bill::{Bill, Measured};
use crate::prices::{self, GB_SECOND, INVOCATION, READ_UNIT, SQS_REQUEST, WRITE_UNIT};

const HEAD: &str = "# What it costs

List prices in us-east-1 without free tiers, in USD for a million. Made by `cargo run --release -p onecommit-bench -- cost` from the
prices in `bench/src/prices.rs`: put in yours and run it again.

Write units are counted: by the tests of the engine on tables in memory (`shared/engine/tests/one_commit.rs`, `embedded.rs`,
`effect_classes.rs`), by `bench requests` and `bench sagas` at a proxy before DynamoDB. Rows are under 1 KB. Every index on a row's
attribute that changes costs its units besides, with us as with others; the ledger has none.
";

const UNIQUE: &str = "
## An event that changes one row

SNS delivers it to a queue, Lambda takes it in a batch of ten, at 256 MB, with the times that [the benchmarks](../bench/results/README.md)
measured at 4 ms for a request, ours with `Atomic` in groups. NServiceBus runs in a process of one's own, which is left out; its units are those of [its capacity
planning](https://docs.particular.net/persistence/dynamodb/capacity-planning): one read of the outbox, a transaction of outbox and row,
one update when messages are dispatched.

";

const UNIQUE_MEANS: &str = "
- `Embedded` and `Projection` are a third of the write units of the others, `Atomic` is a third more than Powertools: it is the one that
  also changes several rows, appends events, and takes everything back. Where one row is changed, take
  [`Embedded`](handlers.md#an-embedded-change).
- Powertools' three units are the record of what is under way, the handler's own write, and the record of the result. A crash between
  them repeats the handler's write, or holds the message back until the record expires.
- What a handler reads is not in here, nor what it writes besides.
";

const COPIES: &str = "
## A copy of an event that was handled

";

const COPIES_MEAN: &str = "
A copy that SQS delivers again, or that was redriven, is known by its receive count and is looked up first. One that was published
twice looks like any other, and its transaction is refused at the full price. NServiceBus reads its outbox record.
";

const APPENDED: &str = "
## An event that a commit appends, until it is in the queues

";

const APPENDED_MEANS: &str = "
Lambda reads the table's stream free of charge. The queues' part is in the bills of those who handle it.
";

const SAGAS: &str = "
## A saga of five steps, its orchestration alone

What the steps themselves do is in none of these, and neither are the Lambda functions that a workflow's tasks call or the calls that
send its task tokens back.
";

const SAGAS_MEAN: &str = "
The operations of a durable function are those of its SDK's documentation and are not counted by us; its compute time, and what its
checkpoints write (charged by the GB), come on top. When all steps are calls inside one function, and nothing else has to
learn of them, a durable function is the better choice: it needs no queue, no table and no second deployment. Ours is for steps in
other services, whose commands and answers are events anyway.
";

/// Lambda polls each queue with five long polls of 20 s as long as it is empty.
const POLLS_PER_MONTH: f64 = 5.0 * 3.0 * 60.0 * 730.0;
const ALARM_USD: f64 = 0.10;
/// The relay's recovery and the sweeper: once a minute each.
const SCHEDULED_PER_MONTH: f64 = 2.0 * 60.0 * 730.0;

pub(super) fn page(measured: &Measured) -> Result<String> {
    let mut page = HEAD.to_owned();
    page += UNIQUE;
    page += &handled(&measured.unique()?);
    page += UNIQUE_MEANS;
    page += COPIES;
    page += &handled(&measured.copies()?);
    page += COPIES_MEAN;
    page += APPENDED;
    page += &totals(&Measured::appended());
    page += APPENDED_MEANS;
    page += SAGAS;
    let (writes, reads) = measured.units_of_a_saga()?;
    page += &format!("\nOurs takes {writes:.0} write units and {reads:.2} read units.\n\n");
    page += &totals(&measured.sagas()?);
    page += SAGAS_MEAN;
    page += &idle(&measured.template);
    page += &price_list();
    Ok(page)
}

fn handled(bills: &[Bill]) -> String {
    let mut table = "| | write units | read units | DynamoDB | SQS | Lambda | USD per million |\n".to_owned();
    table += "|---|--:|--:|--:|--:|--:|--:|\n";
    for bill in bills {
        table += &format!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | **{:.2}** |\n",
            bill.what,
            bill.count(&WRITE_UNIT),
            bill.count(&READ_UNIT),
            bill.usd_of(&[&WRITE_UNIT, &READ_UNIT]),
            bill.usd_of(&[&SQS_REQUEST]),
            bill.usd_of(&[&INVOCATION, &GB_SECOND]),
            bill.usd()
        );
    }
    table
}

fn totals(bills: &[Bill]) -> String {
    let mut table = "| | DynamoDB | the rest | USD per million |\n|---|--:|--:|--:|\n".to_owned();
    for bill in bills {
        let dynamodb = bill.usd_of(&[&WRITE_UNIT, &READ_UNIT]);
        table += &format!(
            "| {} | {dynamodb:.2} | {:.2} | **{:.2}** |\n",
            bill.what,
            bill.usd() - dynamodb,
            bill.usd()
        );
    }
    table
}

/// What a stack costs in a month in which nothing happens.
fn idle(template: &str) -> String {
    let count = |text: &str| template.lines().filter(|line| line.trim() == text).count() as f64;
    let (alarms, queues) = (count("Type: AWS::CloudWatch::Alarm"), count("Type: SQS"));
    let polls = queues * POLLS_PER_MONTH * SQS_REQUEST.per_million_usd / 1e6;
    let scheduled = SCHEDULED_PER_MONTH * INVOCATION.per_million_usd / 1e6;
    format!(
        "
## A month in which nothing happens

The whole storefront, everything on but the parameters' defaults:

| | USD a month |
|---|--:|
| {alarms:.0} alarms of CloudWatch, {ALARM_USD:.2} each | {:.2} |
| {queues:.0} queues that Lambda polls, empty | {polls:.2} |
| recovery and sweeper, once a minute each | {scheduled:.2} |

Tables on demand, topics and the bus cost nothing at rest. Not counted: storage of what is kept, logs, and 0.30 for each metric
of a consumer that was not zero in the month.
",
        alarms * ALARM_USD
    )
}

fn price_list() -> String {
    let mut table = "
## The prices

| | USD per million | from |
|---|--:|---|
"
    .to_owned();
    for price in prices::ALL {
        table += &format!("| {} | {} | <{}> |\n", price.what, price.per_million_usd, price.source);
    }
    table
        + "\nWhat AWS lists on those pages counts; a durable function's price is the one that it was announced with.\n"
}
