use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What this process remembers of the newest keys, and never of more than it may. It only saves reads and repetitions: what
/// it forgot is looked up, or sent once more.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    keys_max: usize,
    generations: Mutex<Generations<K, V>>,
}

/// When the younger is full, it becomes the elder and the elder is forgotten.
#[derive(Debug)]
struct Generations<K, V> {
    younger: HashMap<K, V>,
    elder: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub(crate) fn of_at_most(keys: usize) -> Self {
        let generations = Generations {
            younger: HashMap::new(),
            elder: HashMap::new(),
        };
        Self {
            keys_max: keys,
            generations: Mutex::new(generations),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let generations = self.lock();
        generations
            .younger
            .get(key)
            .or_else(|| generations.elder.get(key))
            .cloned()
    }

    pub(crate) fn note(&self, key: K, value: V) {
        let mut generations = self.lock();
        if generations.younger.len() >= self.keys_max / 2 && !generations.younger.contains_key(&key) {
            generations.elder = std::mem::take(&mut generations.younger);
        }
        generations.younger.insert(key, value);
    }

    pub(crate) fn forget(&self, key: &K) {
        let mut generations = self.lock();
        generations.younger.remove(key);
        generations.elder.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_keys_are_kept_and_no_more() {
        let recent = Recent::of_at_most(4);
        for number in 0..10 {
            recent.note(number, number);
        }
        assert_eq!((recent.get(&9), recent.get(&0)), (Some(9), None));
        let generations = recent.lock();
        assert!(generations.younger.len() + generations.elder.len() <= 4);
    }

    #[test]
    fn at_least_the_newest_half_is_kept_and_a_key_that_comes_again_takes_no_further_place() {
        let recent = Recent::of_at_most(4);
        for key in [0, 1, 2, 2, 3, 3] {
            recent.note(key, key);
        }
        assert_eq!(
            [0, 1, 2, 3].map(|key| recent.get(&key)),
            [Some(0), Some(1), Some(2), Some(3)]
        );
        recent.note(3, 7);
        assert_eq!(recent.get(&3), Some(7));
        recent.note(4, 4);
        assert_eq!([1, 2, 3].map(|key| recent.get(&key)), [None, Some(2), Some(7)]);
    }

    #[test]
    fn what_was_forgotten_is_not_found_in_either_generation() {
        let recent = Recent::of_at_most(2);
        for number in 0..2 {
            recent.note(number, ());
        }
        for number in 0..2 {
            recent.forget(&number);
            assert_eq!(recent.get(&number), None);
        }
    }
}
