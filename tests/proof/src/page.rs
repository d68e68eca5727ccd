//! The page that tells what was explored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use onecommit_simulation::{Explored, Fault};
use serde_json::Value;

use crate::exploring::Finding;
use crate::hunting::Hunt;
use crate::patches::{Patch, Records};
use crate::scenarios::outages::{DURATIONS, Measured};

/// What the page is made of.
pub struct Findings<'a> {
    /// The scenarios.
    pub scenarios: &'a [Finding],
    /// The bugs.
    pub hunts: &'a [Hunt],
    /// The bugs that are patches.
    pub patches: &'a [Patch],
    /// By what they were noticed.
    pub records: &'a Records,
    /// What the outages came to, those of one case one after the other.
    pub outages: &'a [Measured],
    /// How long the scenarios took, side by side.
    pub took: Duration,
    /// The report of a chaos run, if there is one.
    pub chaos: Option<&'a Value>,
}

/// The page, in Markdown.
#[must_use]
pub fn page(findings: &Findings<'_>) -> String {
    let mut page = INTRODUCTION.to_owned();
    // Writing to a String cannot fail.
    let _ = scenarios(&mut page, findings);
    let _ = faults(&mut page, findings);
    let _ = outages(&mut page, findings.outages);
    let _ = bugs(&mut page, findings.hunts);
    let _ = patches(&mut page, findings.patches, findings.records);
    page.push_str(MUTANTS);
    page.push('\n');
    if let Some(chaos) = findings.chaos {
        let _ = chaos_run(&mut page, chaos);
    }
    page.push_str(LIMITS);
    page
}

const INTRODUCTION: &str = "\
<!-- Made by `make proof`; edit tests/proof/src/page.rs instead. -->

# Reliability: what was tried, and what held

The promise is: handling a message is one commit, nothing is lost, nothing happens twice. This page is made by `make proof`,
which explores the promise and writes down what it saw. [simulation.md](simulation.md) tells how, and how to do the same with
handlers of your own.

| Command | What it does |
|---|---|
| `make proof` | explores every scenario, hunts every bug, writes this page |
| `cargo test --package onecommit-proof` | the same as tests; part of `make test` |
| `cargo run --package onecommit-proof -- explore` | the scenarios; `--first-seed N` tries other seeds, `--json` for programs |
| `cargo run --package onecommit-proof -- hunt` | the bugs; of those that are patches, how each was noticed last |
| `cargo run --package onecommit-proof -- replay SCENARIO SCHEDULE` | one schedule, line by line; with `--bug NAME`, with that bug |
| `make bugs` | the bugs that are patches of the source, each in a copy of the tree |
| `make mutants` | one small change after the other in the modules that decide without input or output (cargo-mutants), for hours |
| `make chaos` | real processes and a real wire, see [chaos.md](chaos.md) |

";

/// What `make mutants` came to when it was last run; by hand, since it takes hours.
const MUTANTS: &str = include_str!("../mutants.md");

const LIMITS: &str = "
## What this does not show

- The tables, queues and streams of the simulation are in memory. The tables meet the same conformance suite as MiniStack and
  DynamoDB Local; the queues, topics and streams follow what AWS documents, and no suite compares them.
- An exhaustive search is complete within its bounds, not beyond: so many faults, so many times something other than the oldest
  request first. A random search is complete in nothing.
- A crash ends a process between two requests, or while one is on its way. Threads do not race inside of a process: the engine
  has one.
- A guarded call (a system that honours no idempotency key) is made once as long as clocks differ by less than a lease lasts,
  and one of three renewals gets through. Beyond that, two may call; the commit is still made once, and the probe tells.
- Nothing here has run on AWS itself.
";

fn scenarios(page: &mut String, findings: &Findings<'_>) -> std::fmt::Result {
    let total = findings.scenarios.iter().fold(
        Explored {
            complete: true,
            ..Explored::default()
        },
        |total, finding| total.and(&finding.explored()),
    );
    let faults: u64 = total.faults.values().sum();
    let seconds = findings.took.as_secs_f64().max(0.001);
    writeln!(page, "## Scenarios\n")?;
    writeln!(
        page,
        "{} schedules in {seconds:.0} s ({:.0} per second), {} faults, {} promises broken.\n",
        grouped(total.schedules),
        total.schedules as f64 / seconds,
        grouped(faults),
        findings
            .scenarios
            .iter()
            .filter(|finding| finding.broken.is_some())
            .count(),
    )?;
    writeln!(
        page,
        "| Scenario | Exhaustive search | Schedules | Complete | At random | Faults met |"
    )?;
    writeln!(page, "|---|---|--:|---|--:|--:|")?;
    for finding in findings.scenarios {
        let complete = match &finding.broken {
            Some(broken) => format!("**broken: {}**", cell(&broken.what)),
            None if finding.exhaustively.complete => "yes".to_owned(),
            None => "no".to_owned(),
        };
        writeln!(
            page,
            "| {} | {} | {} | {complete} | {} | {} |",
            finding.scenario,
            finding.bounds.join("; "),
            grouped(finding.exhaustively.schedules),
            grouped(finding.randomly.schedules),
            grouped(finding.explored().faults.values().sum()),
        )?;
    }
    writeln!(page)
}

fn faults(page: &mut String, findings: &Findings<'_>) -> std::fmt::Result {
    let mut met: BTreeMap<Fault, u64> = BTreeMap::new();
    for finding in findings.scenarios {
        for (fault, count) in finding.explored().faults {
            *met.entry(fault).or_default() += count;
        }
    }
    writeln!(page, "## Faults survived\n")?;
    writeln!(page, "| Fault | Times |")?;
    writeln!(page, "|---|--:|")?;
    for fault in Fault::ALL {
        writeln!(page, "| {fault} | {} |", grouped(met.get(fault).copied().unwrap_or(0)))?;
    }
    writeln!(page)
}

/// A line for each dependency: how soon all work was done after an outage, and how many requests there were meanwhile.
fn outages(page: &mut String, outages: &[Measured]) -> std::fmt::Result {
    writeln!(page, "{OUTAGES}")?;
    writeln!(page, "| What is out | 30 s | 5 min | 1 h | 12 h |")?;
    writeln!(page, "|---|---|---|---|---|")?;
    for case in outages.chunks(DURATIONS.len()) {
        let name = case.first().map_or("", |measured| measured.case);
        let cells: Vec<String> = case.iter().map(came_to).collect();
        writeln!(page, "| {name} | {} |", cells.join(" | "))?;
    }
    writeln!(page)
}

const OUTAGES: &str = "\
## Outages

A consumer, an outbox, a mailer and sagas work through a day's orders while one dependency is out, and everything else works; on
the virtual clock, with the real engine, relay, orchestrator and sweeper, and with queues as the template sets them. During an
outage no message is parked for it or taken by the queue's own redrive, and no saga is compensated. A cell says how soon after
its end all work was done, what came in up to 30 s later included, and how many requests there were during the outage, compared
with the same time without one, the recovery and the sweeper of each minute included. The bounds are 2 min after an outage of up to
5 min, 16 min after a longer one and after a clock was off, and twice the requests. The sagas ask each service until it answers
(`until_answered`); one whose steps have an end turns back when a service is out for longer, which is what the end is for.
";

fn came_to(measured: &Measured) -> String {
    if !measured.wrong.is_empty() {
        return format!("**{}**", cell(&measured.wrong.join(", ")));
    }
    let ratio = measured.requests as f64 / measured.requests_normally.max(1) as f64;
    format!("{} s, {ratio:.1}×", measured.recovered_after.as_secs())
}

fn bugs(page: &mut String, hunts: &[Hunt]) -> std::fmt::Result {
    let caught = hunts.iter().filter(|hunt| hunt.caught.is_some()).count();
    writeln!(page, "## Bugs at the ports\n")?;
    writeln!(
        page,
        "A proof that never fails proves little. {} deliberate bugs are put between a process and its ports, or into the \
         settings of a scenario (`tests/proof/src/bugs`); {caught} of them were noticed. The schedule is the simplest that \
         was found; `calm` needs no fault at all.\n",
        hunts.len()
    )?;
    writeln!(page, "| Bug | Noticed in | How | Schedule | Schedules until then |")?;
    writeln!(page, "|---|---|---|---|--:|")?;
    for hunt in hunts {
        let name = format!("`{}`: {}", hunt.bug, hunt.bug.says());
        match &hunt.caught {
            Some(broken) => writeln!(
                page,
                "| {name} | {} | {} | `{}` | {} |",
                broken.scenario,
                cell(&broken.what),
                broken.schedule,
                grouped(hunt.schedules),
            )?,
            None => writeln!(page, "| {name} | **not noticed** | | | {} |", grouped(hunt.schedules))?,
        }
    }
    writeln!(page)
}

/// A line for each bug that is a patch, as it was noticed last.
fn patches(page: &mut String, patches: &[Patch], records: &Records) -> std::fmt::Result {
    let noticed = patches.iter().filter(|patch| records.of(patch).is_some()).count();
    writeln!(page, "## Bugs inside pure logic\n")?;
    writeln!(
        page,
        "{} more bugs sit where no port is. Each is a patch of the source (`tests/proof/patches`), applied to a copy of the \
         tree, where the named command has to fail; {noticed} of them were noticed. `make bugs` runs them.\n",
        patches.len()
    )?;
    writeln!(page, "| Bug | What has to fail | Noticed by |")?;
    writeln!(page, "|---|---|---|")?;
    for patch in patches {
        let by = records
            .of(patch)
            .map_or("**not noticed**".to_owned(), |record| cell(&record.noticed_by));
        writeln!(
            page,
            "| `{}`: {} | `{}` | {by} |",
            patch.name(),
            patch.says(),
            patch.noticing()
        )?;
    }
    writeln!(page)
}

/// What a chaos run reported.
fn chaos_run(page: &mut String, report: &Value) -> std::fmt::Result {
    writeln!(page, "## Faults on the wire\n")?;
    let survived = if report["survived"] == true {
        "survived"
    } else {
        "**not survived**"
    };
    writeln!(
        page,
        "`make chaos` on MiniStack, {survived}: {} s, seed {} (`bench/results/chaos.json`).\n",
        report["durationS"], report["seed"]
    )?;
    writeln!(page, "| What was sent | |")?;
    writeln!(page, "|---|--:|")?;
    let (events, poison, orders) = (&report["events"], &report["poison"], &report["orders"]);
    let sent = [
        ("Events", &events["published"]),
        ("of them sent twice on purpose", &events["copies"]),
        (
            "sent again, because the answer was lost or said so",
            &events["sentAgain"],
        ),
        ("Copies absorbed by all consumers", &events["duplicatesAbsorbed"]),
        ("Poison, each parked for its reason", &poison["sent"]),
        ("Orders", &orders["placed"]),
        ("confirmed", &orders["confirmed"]),
        ("taken back", &orders["takenBack"]),
        ("Events appended by all of it", &orders["eventsAppended"]),
    ];
    for (what, number) in sent {
        writeln!(page, "| {what} | {} |", grouped(number.as_u64().unwrap_or(0)))?;
    }
    writeln!(page, "\n| Fault | Requests |")?;
    writeln!(page, "|---|--:|")?;
    for (kind, count) in summed(&report["faults"], "kind", "count") {
        writeln!(page, "| `{kind}` | {} |", grouped(count))?;
    }
    let killed = report["killed"].as_object().into_iter().flatten();
    let killed: u64 = killed.filter_map(|(_, count)| count.as_u64()).sum();
    writeln!(page, "| processes killed by id | {} |", grouped(killed))?;
    let of_service: BTreeMap<String, u64> = summed(&report["faults"], "service", "count");
    writeln!(page, "\n| Service | Requests | With a fault |")?;
    writeln!(page, "|---|--:|--:|")?;
    for (service, requests) in summed(&report["requests"], "service", "requests") {
        let faults = of_service.get(&service).copied().unwrap_or(0);
        writeln!(page, "| {service} | {} | {} |", grouped(requests), grouped(faults))?;
    }
    Ok(())
}

/// Numbers of a list, added up by a name.
fn summed(list: &Value, name: &str, number: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for entry in list.as_array().into_iter().flatten() {
        let name = entry[name].as_str().unwrap_or_default();
        *sums.entry(name.to_owned()).or_default() += entry[number].as_u64().unwrap_or(0);
    }
    sums
}

/// One line that fits a table.
fn cell(text: &str) -> String {
    const LONGEST: usize = 160;
    let line = text.replace('\n', " ").replace('|', "\\|");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 999, 1_000, 12_345_678].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "12,345,678"]);
    }

    #[test]
    fn the_page_repeats_what_the_mutants_came_to() {
        let page = std::fs::read_to_string(crate::patches::workspace().join("docs/reliability.md"));
        assert!(
            page.is_ok_and(|page| page.contains(MUTANTS)),
            "docs/reliability.md does not hold tests/proof/mutants.md as it is; run `make proof`, or copy that section"
        );
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell("a\nb | c"), "a b \\| c");
    }
}
