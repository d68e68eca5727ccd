use futures_util::stream::{self, StreamExt};
use onecommit_engine::{Condition, DatabaseError, Item, Key, Scan, Value};
use onecommit_environment::{RetryPolicy, Timestamp, retry};

use super::{Rebuild, RebuildError};
use crate::control::state::Retired;
use crate::definition::{PARTITION_KEY, SORT_KEY};
use crate::name::Generation;

/// What was cleaned up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// How many rows were deleted.
    pub rows: u64,
    /// The generations that are gone.
    pub gone: Vec<Generation>,
    /// Those that have to wait, because they were retired only a while ago.
    pub waiting: Vec<Generation>,
}

/// A delete changes nothing more the second time. Cleaning takes its time anyway.
const DELETES: RetryPolicy = RetryPolicy::new(8, 100, 2_000);
/// Requests to delete that are open at once.
const DELETES_AT_ONCE: usize = 16;

impl Rebuild {
    /// Deletes the rows of generations that serve no more. It reads the whole views table once for each; ledger rows go
    /// by themselves, with their time to live. Repeating it after a crash does the rest.
    ///
    /// # Errors
    /// See [`RebuildError`].
    pub async fn clean(&self) -> Result<Cleaned, RebuildError> {
        let known = self.control.known().await.map_err(RebuildError::Control)?;
        let mut cleaned = Cleaned::default();
        for retired in known.state(&self.view).retired {
            if !self.is_over(&retired) {
                cleaned.waiting.push(retired.generation);
                continue;
            }
            cleaned.rows += self.delete_rows(retired.generation).await.map_err(RebuildError::Rows)?;
            let forget = |state: Option<_>| Ok(super::known(state).cleaned(retired.generation));
            let forgotten = self.control.change(&self.view, forget).await;
            forgotten.map_err(|error| RebuildError::of_change(&self.view, error))?;
            cleaned.gone.push(retired.generation);
        }
        Ok(cleaned)
    }

    /// Whether no projector writes to it any more.
    fn is_over(&self, retired: &Retired) -> bool {
        let since = Timestamp::from_unix_ms(retired.since_ms);
        self.environment().clock().now().since(since) >= self.pace.retired_for
    }

    async fn delete_rows(&self, generation: Generation) -> Result<u64, DatabaseError> {
        let rows = self.rows_of(generation);
        let ours = Condition::begins_with(PARTITION_KEY, rows.prefix());
        let (mut count, mut next) = (0, Some(rows.table().scan().only(ours)));
        while let Some(scan) = next {
            let page = self.control.tables().scan(&scan).await?;
            let deletes = stream::iter(page.rows.iter().filter_map(key_of).map(|key| self.delete(key)));
            let mut deleting = deletes.buffer_unordered(DELETES_AT_ONCE);
            while let Some(deleted) = deleting.next().await {
                deleted?;
                count += 1;
            }
            next = page.next.map(|next: Scan| next);
        }
        Ok(count)
    }

    async fn delete(&self, key: Key) -> Result<(), DatabaseError> {
        let delete = self.control.table().delete(key).into();
        retry(self.environment(), DELETES, || self.engines.database().write(&delete)).await
    }
}

fn key_of(row: &Item) -> Option<Key> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    Some(Key::of_view(text(PARTITION_KEY)?, text(SORT_KEY)?))
}
