use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use onecommit_event::EventId;

/// The events that a handler has tried without reading first.
///
/// That something is new is a condition of the commit. Only when it fails the handler runs a second time, and only then is
/// a read worth its while.
#[derive(Debug, Default)]
pub struct FirstTries(Mutex<Tried>);

#[derive(Debug, Default)]
struct Tried {
    ids: HashSet<EventId>,
    oldest_first: VecDeque<EventId>,
}

/// As many as may be under way between a try and the next. What is forgotten is tried like that once more, which the
/// conditions of the commit make harmless.
const TRIED_MAX: usize = 4_096;

impl FirstTries {
    /// Whether the event is tried for the first time.
    pub fn is_first(&self, id: EventId) -> bool {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tried.ids.insert(id) {
            return false;
        }
        tried.oldest_first.push_back(id);
        if tried.oldest_first.len() > TRIED_MAX
            && let Some(oldest) = tried.oldest_first.pop_front()
        {
            tried.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let tries = FirstTries::default();
        let id = |number: usize| EventId::of_foreign("test", &number.to_string());
        assert!(tries.is_first(id(0)) && !tries.is_first(id(0)));
        for number in 1..=TRIED_MAX {
            assert!(tries.is_first(id(number)));
        }
        assert!(tries.is_first(id(0)));
        assert!(!tries.is_first(id(TRIED_MAX)));
    }
}
