//! Filling requests.

use std::collections::HashSet;

use crate::destination::{Destination, Outgoing};

/// Places of the events to send, in requests that fit, some of them alone in theirs; and places of those that fit into none, with their size.
pub(crate) fn fill(
    destination: &dyn Destination,
    events: &[Outgoing],
    places: &[usize],
    alone: &HashSet<usize>,
) -> (Vec<Vec<usize>>, Vec<(usize, usize)>) {
    let limits = destination.limits();
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut too_large = Vec::new();
    let mut bytes_so_far = 0;
    for &place in places {
        let bytes = destination.bytes(&events[place]);
        if bytes > limits.entry_bytes_max {
            too_large.push((place, bytes));
            continue;
        }
        match batches.last_mut() {
            Some(batch)
                if batch.len() < limits.entries_max
                    && bytes_so_far + bytes <= limits.batch_bytes_max
                    && !alone.contains(&place)
                    && !alone.contains(&batch[0]) =>
            {
                bytes_so_far += bytes;
                batch.push(place);
            }
            _ => {
                bytes_so_far = bytes;
                batches.push(vec![place]);
            }
        }
    }
    (batches, too_large)
}
