//! Makes batches, and remembers what was sent so that it can be sent again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::workload::{BATCH_SIZE, Batch, Delivery, Kind, OrderCreated};

/// A stream of batches.
#[derive(Debug, Default)]
pub(crate) struct Source {
    sent: Vec<Arc<OrderCreated>>,
    to_repeat: VecDeque<Arc<OrderCreated>>,
    batches_made: usize,
}

impl Source {
    /// A source whose duplicates are of these events, which somebody else has handled.
    pub(crate) fn repeating(events: Vec<Arc<OrderCreated>>) -> Self {
        Self {
            to_repeat: events.into(),
            ..Self::default()
        }
    }

    /// Every event this source was the first to send.
    pub(crate) fn sent(&self) -> &[Arc<OrderCreated>] {
        &self.sent
    }

    /// Ten events, each for the first time.
    pub(crate) fn unique(&mut self) -> Batch {
        Batch::of((0..BATCH_SIZE).map(|_| self.first_delivery()).collect())
    }

    /// Five events for the first time, each followed by a duplicate: in turn two and three of them of this same batch, the
    /// others of earlier ones.
    pub(crate) fn half_duplicates(&mut self) -> Batch {
        self.batches_made += 1;
        let in_batch = BATCH_SIZE / 4 + self.batches_made % 2;
        self.pairs(|position| position < in_batch)
    }

    /// Five events for the first time, each followed by a duplicate of an earlier one.
    pub(crate) fn half_earlier(&mut self) -> Batch {
        self.pairs(|_| false)
    }

    /// The same events once more, as other messages.
    pub(crate) fn again(events: &[Arc<OrderCreated>]) -> Batch {
        Batch::of(
            events
                .iter()
                .map(|event| Delivery::new(event, Kind::DuplicateOfEarlier))
                .collect(),
        )
    }

    /// From now on duplicates are of what was sent so far.
    pub(crate) fn repeat_what_was_sent(&mut self) {
        self.to_repeat = self.sent.iter().cloned().collect();
    }

    fn pairs(&mut self, is_in_batch: impl Fn(usize) -> bool) -> Batch {
        let mut deliveries = Vec::with_capacity(BATCH_SIZE);
        for position in 0..BATCH_SIZE / 2 {
            let first = self.first_delivery();
            let earlier = if is_in_batch(position) {
                None
            } else {
                self.to_repeat.pop_front()
            };
            let duplicate = match earlier {
                Some(earlier) => Delivery::new(&earlier, Kind::DuplicateOfEarlier),
                None => Delivery::new(&first.event, Kind::DuplicateInBatch),
            };
            deliveries.extend([first, duplicate]);
        }
        Batch::of(deliveries)
    }

    fn first_delivery(&mut self) -> Delivery {
        let event = Arc::new(OrderCreated::new());
        self.sent.push(Arc::clone(&event));
        Delivery::new(&event, Kind::Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(batches: &[Batch], kind: Kind) -> usize {
        batches
            .iter()
            .flat_map(|batch| &batch.deliveries)
            .filter(|delivery| delivery.kind == kind)
            .count()
    }

    #[test]
    fn half_are_duplicates_half_of_those_within_the_batch() {
        let mut source = Source::default();
        source.unique();
        source.unique();
        source.repeat_what_was_sent();
        let batches = [source.half_duplicates(), source.half_duplicates()];
        assert_eq!(count(&batches, Kind::Unique), 10);
        assert_eq!(count(&batches, Kind::DuplicateInBatch), 5);
        assert_eq!(count(&batches, Kind::DuplicateOfEarlier), 5);
    }

    #[test]
    fn duplicates_of_another_source_count_as_earlier_ones() {
        let mut elsewhere = Source::default();
        elsewhere.unique();
        let mut source = Source::repeating(elsewhere.sent().to_vec());
        assert_eq!(count(&[source.half_earlier()], Kind::DuplicateOfEarlier), 5);
    }
}
