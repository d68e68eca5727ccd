use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rows that this process knows to be full, so that it need not try each of them in vain first.
///
/// Whatever it has forgotten, or knows wrongly, costs requests and never a promise: a commit that is recorded in the ledger asks
/// the row as well.
#[derive(Debug, Default)]
pub(crate) struct SpilledRows(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    until: HashMap<String, Instant>,
    oldest_first: VecDeque<String>,
}

/// For how long a row counts as full after it was seen to be.
const BELIEVED_FOR: Duration = Duration::from_secs(3600);
/// As many as are hot at one time.
const ROWS_MAX: usize = 1_000;

impl SpilledRows {
    pub(crate) fn contains(&self, target: &str, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.until.get(target).is_some_and(|until| now < *until)
    }

    pub(crate) fn add(&self, target: &str, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.until.insert(target.to_owned(), now + BELIEVED_FOR).is_none() {
            known.oldest_first.push_back(target.to_owned());
        }
        if known.oldest_first.len() > ROWS_MAX
            && let Some(oldest) = known.oldest_first.pop_front()
        {
            known.until.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_as_full_for_an_hour() {
        let (rows, now) = (SpilledRows::default(), Instant::now());
        rows.add("a", now);
        assert!(rows.contains("a", now + BELIEVED_FOR / 2) && !rows.contains("b", now));
        assert!(!rows.contains("a", now + BELIEVED_FOR));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let (rows, now) = (SpilledRows::default(), Instant::now());
        (0..=ROWS_MAX).for_each(|row| rows.add(&row.to_string(), now));
        assert!(!rows.contains("0", now) && rows.contains("1", now));
    }
}
