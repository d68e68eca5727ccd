//! What a run went through and what came of it: a file for machines, a table for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::outages::Outage;
use super::wire::{Injected, Kind, Requests};
use crate::local_aws::workspace;

/// A run.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether nothing was lost, doubled or left open.
    pub(crate) survived: bool,
    /// What was wrong, if not.
    pub(crate) problems: Vec<String>,
    /// Asks for the same dice again: `SEED=`.
    pub(crate) seed: u64,
    pub(crate) duration_s: u64,
    pub(crate) events: Events,
    pub(crate) poison: Poison,
    pub(crate) orders: Orders,
    /// Processes, by function; or workers.
    pub(crate) killed: BTreeMap<String, usize>,
    /// What went over the wire.
    pub(crate) requests: Vec<Requests>,
    /// What was wrong with it.
    pub(crate) faults: Vec<Injected>,
    /// What was out for a while.
    pub(crate) outages: Vec<Outage>,
}

/// Events that came in from outside.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    pub(crate) published: usize,
    /// Of them, sent twice on purpose.
    pub(crate) copies: usize,
    /// Sent once more because the publisher was not sure of them.
    pub(crate) sent_again: u64,
    pub(crate) publish_requests: u64,
    /// Handled by all consumers together, as they counted themselves; what was killed could not tell the rest.
    pub(crate) handled_by_consumers: u64,
    /// Copies that they absorbed.
    pub(crate) duplicates_absorbed: u64,
    /// Messages that came back later because something did not work.
    pub(crate) retries: u64,
}

/// What cannot be handled.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Poison {
    pub(crate) sent: usize,
    /// By reason.
    pub(crate) parked: BTreeMap<String, usize>,
}

/// Orders through the storefront.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Orders {
    pub(crate) placed: usize,
    pub(crate) confirmed: usize,
    pub(crate) taken_back: usize,
    /// Events that they caused in the event store, each of which was published.
    pub(crate) events_appended: usize,
}

impl Report {
    /// Leaves it in the workspace, with the rules of the run beside it, and says where.
    pub(crate) fn write(&self, rules: &Value) -> PathBuf {
        let folder = workspace().join("build/chaos");
        std::fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text + "\n").unwrap();
        write("rules.json", format!("{rules:#}"));
        write("report.json", serde_json::to_string_pretty(self).unwrap());
        folder.join("report.json")
    }

    /// For people.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").unwrap();
        let (events, orders) = (&self.events, &self.orders);
        let requests: u64 = self.requests.iter().map(|service| service.requests).sum();
        let faults: u64 = self.faults.iter().map(|fault| fault.count).sum();
        line(format_args!(
            "{} in {} s, seed {}",
            if self.survived { "survived" } else { "NOT SURVIVED" },
            self.duration_s,
            self.seed
        ));
        line(format_args!(
            "events    {} published, {} of them twice on purpose, {} sent again; {} copies absorbed, {} retries",
            events.published, events.copies, events.sent_again, events.duplicates_absorbed, events.retries
        ));
        line(format_args!(
            "poison    {} sent; parked: {}",
            self.poison.sent,
            listed(&self.poison.parked)
        ));
        line(format_args!(
            "orders    {} placed, {} confirmed, {} taken back; {} events appended and published",
            orders.placed, orders.confirmed, orders.taken_back, orders.events_appended
        ));
        line(format_args!(
            "killed    {}: {}",
            self.killed.values().sum::<usize>(),
            listed(&self.killed)
        ));
        line(format_args!("requests  {requests}, {faults} of them with a fault"));
        for outage in &self.outages {
            let Outage {
                what,
                lasts_s,
                requests,
                ..
            } = outage;
            line(format_args!(
                "outage    {what}, for {lasts_s} s: met by {requests} requests"
            ));
        }
        line(format_args!(""));
        let heads: String = Kind::ALL
            .iter()
            .map(|kind| format!("{:>12}", format!("{kind:?}")))
            .collect();
        line(format_args!("{:<38}{heads}", "faults"));
        for (service, operation) in self.places() {
            let counts: String = Kind::ALL
                .iter()
                .map(|kind| format!("{:>12}", self.count(service, operation, *kind)))
                .collect();
            line(format_args!("{:<38}{counts}", format!("{service} {operation}")));
        }
        for problem in &self.problems {
            line(format_args!("PROBLEM: {problem}"));
        }
        text
    }

    /// Where something was wrong, in the order of the rules.
    fn places(&self) -> Vec<(&str, &str)> {
        let mut places = Vec::new();
        for fault in &self.faults {
            let place = (fault.service, fault.operation);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    fn count(&self, service: &str, operation: &str, kind: Kind) -> u64 {
        let here = |fault: &&Injected| (fault.service, fault.operation, fault.kind) == (service, operation, kind);
        self.faults.iter().find(here).map_or(0, |fault| fault.count)
    }
}

fn listed(counts: &BTreeMap<String, usize>) -> String {
    let each: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    each.join(", ")
}
