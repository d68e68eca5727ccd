use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use onecommit_event::{EventId, Fingerprint};

/// Events this process knows to be in the ledger: a copy of one of them costs no request at all.
///
/// Only what the database confirmed enters, and a ledger row outlives every process, so this can never drop a message
/// that was not handled. Bounded: the oldest leave first (about 100 bytes each).
#[derive(Debug)]
pub(crate) struct Recent {
    most: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    fingerprints: HashMap<EventId, Fingerprint>,
    order: VecDeque<EventId>,
}

impl Recent {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            known: Mutex::default(),
        }
    }

    pub(crate) fn find(&self, id: EventId) -> Option<Fingerprint> {
        self.lock().fingerprints.get(&id).copied()
    }

    pub(crate) fn add(&self, id: EventId, fingerprint: Fingerprint) {
        if self.most == 0 {
            return;
        }
        let mut known = self.lock();
        if known.fingerprints.insert(id, fingerprint).is_none() {
            known.order.push_back(id);
        }
        if known.order.len() > self.most
            && let Some(oldest) = known.order.pop_front()
        {
            known.fingerprints.remove(&oldest);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use onecommit_environment::Environment;
    use onecommit_event::Event;

    use super::*;

    fn fingerprint() -> Fingerprint {
        let json = r#"{"eventId":"0192f0c1-0000-7000-8000-000000000001","eventType":"A","aggregateId":"a",
            "aggregateType":"A","timestamp":"2026-11-22T07:00:00Z","payload":{},
            "metadata":{"correlationId":"c","causationId":"c"}}"#;
        Event::from_json(json).unwrap().fingerprint()
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let recent = Recent::new(2);
        let ids: Vec<EventId> = (0..3).map(|_| EventId::new(&Environment::system())).collect();
        ids.iter().for_each(|id| recent.add(*id, fingerprint()));
        assert!(recent.find(ids[0]).is_none());
        assert!(recent.find(ids[1]).is_some() && recent.find(ids[2]).is_some());
    }

    #[test]
    fn an_event_that_comes_again_takes_no_further_place() {
        let recent = Recent::new(2);
        let ids: Vec<EventId> = (0..2).map(|_| EventId::new(&Environment::system())).collect();
        for id in [ids[0], ids[1], ids[1], ids[1]] {
            recent.add(id, fingerprint());
        }
        assert_eq!(recent.find(ids[0]), Some(fingerprint()));
    }

    #[test]
    fn a_memory_of_none_remembers_nothing() {
        let recent = Recent::new(0);
        let id = EventId::new(&Environment::system());
        recent.add(id, fingerprint());
        assert_eq!(recent.find(id), None);
        assert!(recent.lock().order.is_empty());
    }
}
