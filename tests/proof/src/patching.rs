//! The command `patches`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use onecommit_proof::patches::{self, Noticing, Outcome, Patch, Ran, Records, Runner};
use serde_json::json;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The bugs; all without one.
    names: Vec<String>,
    /// List the bugs, and by what each was noticed last.
    #[arg(long)]
    list: bool,
    /// Run also what was run on the same source before.
    #[arg(long)]
    again: bool,
    /// Print one JSON object for each bug.
    #[arg(long)]
    json: bool,
    /// How many seconds the tests may take, besides the build.
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// Where the copy of the tree and what is built of it are kept.
    #[arg(long, default_value = "build/patches")]
    work: PathBuf,
}

/// Whether all were noticed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let workspace = patches::workspace();
    let all = patches::all(&workspace)?;
    let chosen = chosen(&all, &arguments.names)?;
    let mut records = Records::read(&workspace)?;
    if arguments.list {
        chosen.iter().for_each(|patch| list(patch, &records));
        return Ok(true);
    }
    let work = workspace.join(&arguments.work);
    std::fs::create_dir_all(work.join("tree")).with_context(|| format!("{} cannot be made", work.display()))?;
    let mut runner = Runner::of(&workspace, &work, Duration::from_secs(arguments.limit))?;
    let commands: HashSet<&Noticing> = chosen.iter().map(|patch| patch.noticing()).collect();
    for command in commands {
        eprintln!("without a bug: {command}");
        runner.without_a_bug(command)?;
    }
    let mut noticed = 0;
    for (place, patch) in chosen.iter().enumerate() {
        eprintln!("[{}/{}] {}", place + 1, chosen.len(), patch.name());
        let ran = runner.run(patch, arguments.again)?;
        print(patch, &ran, arguments.json);
        noticed += usize::from(ran.outcome.is_noticed());
        records.retain(&all);
        records.note(patch, by(ran.outcome));
        records.write(&workspace)?;
    }
    eprintln!("{noticed} of {} were noticed", chosen.len());
    Ok(noticed == chosen.len())
}

/// The patches whose names contain a text.
pub(crate) fn with(filter: &str) -> anyhow::Result<Vec<Patch>> {
    let mut patches = patches::all(&patches::workspace())?;
    patches.retain(|patch| patch.name().contains(filter));
    Ok(patches)
}

/// Prints by what those patches were noticed last; whether each was, as it is now.
pub(crate) fn recall(filter: &str, as_json: bool) -> anyhow::Result<bool> {
    let records = Records::read(&patches::workspace())?;
    let patches = with(filter)?;
    for patch in &patches {
        let noticed_by = records.of(patch).map(|record| record.noticed_by.as_str());
        let name = patch.name();
        match noticed_by {
            _ if as_json => println!("{}", json!({ "bug": name, "patch": true, "noticedBy": noticed_by })),
            Some(by) => println!("{name}: a patch, last noticed by {by}"),
            None => println!("{name}: a patch, NOT run as it is now; run it: onecommit-proof patches {name}"),
        }
    }
    Ok(patches.iter().all(|patch| records.of(patch).is_some()))
}

fn chosen<'a>(all: &'a [Patch], names: &[String]) -> anyhow::Result<Vec<&'a Patch>> {
    let unknown = names.iter().find(|name| all.iter().all(|patch| patch.name() != *name));
    if let Some(unknown) = unknown {
        bail!("no patch is called {unknown:?}; list them: onecommit-proof patches --list");
    }
    let is_chosen = |patch: &&Patch| names.is_empty() || names.iter().any(|name| name == patch.name());
    Ok(all.iter().filter(is_chosen).collect())
}

fn by(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Noticed { by } => Some(by),
        _ => None,
    }
}

fn list(patch: &Patch, records: &Records) {
    println!("{}: {}", patch.name(), patch.says());
    println!("  {}", patch.noticing());
    match records.of(patch) {
        Some(record) => println!("  noticed by {}", record.noticed_by),
        None => println!("  not run as it is now"),
    }
}

fn print(patch: &Patch, ran: &Ran, as_json: bool) {
    if as_json {
        let mut line = json!({ "bug": patch.name(), "command": patch.noticing().to_string(), "kept": ran.is_kept });
        let outcome = json!(ran.outcome);
        if let (Some(line), Some(outcome)) = (line.as_object_mut(), outcome.as_object()) {
            line.extend(outcome.clone());
        }
        println!("{line}");
        return;
    }
    let kept = if ran.is_kept {
        " (on the same source before)"
    } else {
        ""
    };
    println!("{}: {}{kept}", patch.name(), ran.outcome);
}
