use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onecommit_event::Aggregate;

use crate::row::SagaRow;

/// Sagas as this process saw or wrote them last, so that their next transition needs no read.
///
/// What is here may be old, or may never have landed. Nobody relies on it: a transition that starts from it lands only if
/// the row's revision is still the same, and nothing is ever dropped because of it.
pub(crate) struct Cache {
    rows_max: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    rows: HashMap<Aggregate, Arc<SagaRow>>,
    oldest_first: VecDeque<Aggregate>,
}

/// Larger rows are read again each time; so the cache stays below this times its number of rows.
const ROW_BYTES_MAX: usize = 32 * 1024;

impl Cache {
    pub(crate) fn of(rows_max: usize) -> Self {
        Self {
            rows_max,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, saga: &Aggregate) -> Option<Arc<SagaRow>> {
        self.lock().rows.get(saga).cloned()
    }

    /// Keeps a row in place of an earlier one. Sagas that have ended are rarely asked for, so they make room.
    pub(crate) fn put(&self, row: Arc<SagaRow>) {
        let bytes = row.data.len() + row.journal.entries.len() * 300;
        let mut inner = self.lock();
        if self.rows_max == 0 || row.status.is_end() || bytes > ROW_BYTES_MAX {
            inner.rows.remove(&row.saga);
            return;
        }
        let saga = row.saga.clone();
        if inner.rows.insert(saga.clone(), row).is_none() {
            inner.oldest_first.push_back(saga);
        }
        // What was removed before its turn leaves its name behind.
        while inner.rows.len() > self.rows_max || inner.oldest_first.len() > 2 * self.rows_max {
            let Some(oldest) = inner.oldest_first.pop_front() else {
                break;
            };
            inner.rows.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
