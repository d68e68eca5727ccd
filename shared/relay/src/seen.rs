use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How far each stream has left, as far as this process remembers. It only saves reads and repetitions: what it forgot
/// is looked up.
#[derive(Debug)]
pub(crate) struct Seen {
    streams_max: usize,
    generations: Mutex<Generations>,
}

/// When the younger is full, it becomes the elder and the elder is forgotten.
#[derive(Debug, Default)]
struct Generations {
    younger: HashMap<String, u64>,
    elder: HashMap<String, u64>,
}

impl Seen {
    pub(crate) fn of_at_most(streams: usize) -> Self {
        Self {
            streams_max: streams,
            generations: Mutex::default(),
        }
    }

    /// The last version of the stream that left.
    pub(crate) fn last(&self, stream: &str) -> Option<u64> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let last = generations
            .younger
            .get(stream)
            .or_else(|| generations.elder.get(stream));
        last.copied()
    }

    pub(crate) fn note(&self, stream: &str, version: u64) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.younger.len() >= self.streams_max / 2 && !generations.younger.contains_key(stream) {
            generations.elder = std::mem::take(&mut generations.younger);
        }
        generations.younger.insert(stream.to_owned(), version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_the_newest_streams_and_never_more_than_it_may() {
        let seen = Seen::of_at_most(4);
        for number in 0..10 {
            seen.note(&number.to_string(), number);
        }
        assert_eq!((seen.last("9"), seen.last("0")), (Some(9), None));
        let generations = seen.generations.lock().unwrap();
        assert!(generations.younger.len() + generations.elder.len() <= 4);
    }
}
