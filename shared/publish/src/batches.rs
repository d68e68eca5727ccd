//! Filling requests.

use crate::destination::{Destination, Outgoing};

/// An event in the form that fits the destination, and its place among all.
pub(crate) type Entry<'a> = (usize, &'a Outgoing);

/// The entries, each of which fits, in requests that fit.
pub(crate) fn fill<'a>(destination: &dyn Destination, entries: Vec<Entry<'a>>) -> Vec<Vec<Entry<'a>>> {
    let limits = destination.limits();
    let mut batches: Vec<Vec<Entry<'a>>> = Vec::new();
    let mut bytes_so_far = 0;
    for entry in entries {
        let bytes = destination.bytes(entry.1);
        match batches.last_mut() {
            Some(batch) if batch.len() < limits.entries_max && bytes_so_far + bytes <= limits.batch_bytes_max => {
                bytes_so_far += bytes;
                batch.push(entry);
            }
            _ => {
                bytes_so_far = bytes;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}
