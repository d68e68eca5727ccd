//! What happens to messages on their way: copies, disorder, delay, loss.

use onecommit_environment::{Random, SeededRandom};
use onecommit_event::Event;

/// In how many of a hundred cases what goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// A message is delivered a second time.
    pub(crate) copied: u64,
    /// A message comes later than others, perhaps when its saga has ended.
    pub(crate) delayed: u64,
    /// An answer never reaches the orchestrator.
    pub(crate) answers_lost: u64,
    /// The answer to a transaction is lost: nobody knows whether it landed.
    pub(crate) commits_in_the_dark: u64,
}

impl Trouble {
    pub(crate) const NONE: Self = Self {
        copied: 0,
        delayed: 0,
        answers_lost: 0,
        commits_in_the_dark: 0,
    };
}

/// A message on its way to a process.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: usize,
    pub(crate) event: Event,
}

pub(crate) struct Network {
    trouble: Trouble,
    random: SeededRandom,
    in_order: bool,
    on_its_way: Vec<Letter>,
    /// Delayed, or to come back.
    later: Vec<Letter>,
}

impl Network {
    /// Everything arrives once, in the order it was sent.
    pub(crate) fn calm() -> Self {
        Self::with(Trouble::NONE, 0, true)
    }

    /// Everything arrives in an order of its own.
    pub(crate) fn troubled(trouble: Trouble, seed: u64) -> Self {
        Self::with(trouble, seed, false)
    }

    fn with(trouble: Trouble, seed: u64, in_order: bool) -> Self {
        Self {
            trouble,
            random: SeededRandom::new(seed),
            in_order,
            on_its_way: Vec::new(),
            later: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, letter: Letter, is_answer: bool) {
        if is_answer && self.happens(self.trouble.answers_lost) {
            return;
        }
        if self.happens(self.trouble.copied) {
            self.later.push(letter.clone());
        }
        if self.happens(self.trouble.delayed) {
            self.later.push(letter);
        } else {
            self.on_its_way.push(letter);
        }
    }

    pub(crate) fn comes_back(&mut self, letter: Letter) {
        self.later.push(letter);
    }

    /// Time passes: some of what is delayed goes on, or all of it.
    pub(crate) fn wait(&mut self, for_all: bool) {
        for letter in std::mem::take(&mut self.later) {
            if for_all || self.in_order || self.happens(50) {
                self.on_its_way.push(letter);
            } else {
                self.later.push(letter);
            }
        }
    }

    /// The next batch of up to three messages for one process.
    pub(crate) fn next_batch(&mut self) -> Option<Vec<Letter>> {
        let last = self.on_its_way.len().checked_sub(1)?;
        let place = if self.in_order { 0 } else { self.below(last) };
        let first = self.on_its_way.remove(place);
        let mut batch = vec![first];
        while !self.in_order && batch.len() < 3 {
            let to = batch[0].to;
            let Some(place) = self.on_its_way.iter().position(|letter| letter.to == to) else {
                break;
            };
            batch.push(self.on_its_way.remove(place));
        }
        Some(batch)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.on_its_way.is_empty() && self.later.is_empty()
    }

    pub(crate) fn commits_in_the_dark(&self) -> bool {
        self.happens(self.trouble.commits_in_the_dark)
    }

    pub(crate) fn happens(&self, percent: u64) -> bool {
        self.random.up_to(99) < percent
    }

    pub(crate) fn below(&self, most: usize) -> usize {
        usize::try_from(self.random.up_to(most as u64)).unwrap()
    }

    /// Answers to the event types in the set that were held back: the test decides when they arrive.
    pub(crate) fn hold_back(&mut self, event_type: &str) -> Vec<Letter> {
        let is_held = |letter: &Letter| letter.event.event_type() == event_type;
        let (held, rest) = std::mem::take(&mut self.on_its_way).into_iter().partition(is_held);
        self.on_its_way = rest;
        held
    }

    pub(crate) fn put_back(&mut self, letters: Vec<Letter>) {
        self.on_its_way.extend(letters);
    }
}
