use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hickory_resolver::lookup::Lookup;
use hickory_resolver::proto::rr::{Name, RData, Record};
use onecommit_client::{Found, Instance};
use onecommit_environment::Timestamp;

/// The most names that one set of SRV records is followed to.
pub(crate) const TARGETS_MAX: usize = 100;

/// What DNS said, put together.
pub(crate) struct Answers {
    instances: Vec<Instance>,
    seen: BTreeSet<String>,
    holds_for: Option<Duration>,
    now: Timestamp,
}

/// Where an SRV record points.
pub(crate) struct Target {
    pub(crate) name: Name,
    pub(crate) port: u16,
    weight: u16,
    priority: u16,
}

impl Answers {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            instances: Vec::new(),
            seen: BTreeSet::new(),
            holds_for: None,
            now,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// The targets of the best priority. The root as a target means that there is no such service.
    pub(crate) fn targets(&mut self, found: &Lookup) -> Vec<Target> {
        self.note_time(found.answers());
        let targets = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) if !srv.target.is_root() => Some(Target {
                name: srv.target.clone(),
                port: srv.port,
                weight: srv.weight,
                priority: srv.priority,
            }),
            _ => None,
        });
        let mut targets: Vec<Target> = targets.collect();
        let best = targets.iter().map(|target| target.priority).min();
        targets.retain(|target| Some(target.priority) == best);
        targets
    }

    pub(crate) fn add_addresses(&mut self, found: &Lookup, port: u16, target: Option<&Target>) {
        self.note_time(found.answers());
        for record in found.answers() {
            let address = match &record.data {
                RData::A(address) => address.0.to_string(),
                RData::AAAA(address) => address.0.to_string(),
                _ => continue,
            };
            let mut instance = Instance::at(address, port, self.now);
            if let Some(target) = target {
                let name = target.name.to_utf8();
                instance.metadata = BTreeMap::from([
                    ("target".to_owned(), name.trim_end_matches('.').to_owned()),
                    ("weight".to_owned(), target.weight.to_string()),
                ]);
            }
            if self.seen.insert(instance.id.clone()) {
                self.instances.push(instance);
            }
        }
    }

    pub(crate) fn found(self) -> Found {
        Found {
            holds_for: self.holds_for,
            ..Found::of(self.instances)
        }
    }

    /// All of it holds as long as the part that holds for the shortest time.
    fn note_time(&mut self, records: &[Record]) {
        let ttl = records.iter().map(|record| record.ttl).min();
        let ttl = ttl.map(|seconds| Duration::from_secs(seconds.into()));
        self.holds_for = match (self.holds_for, ttl) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}
