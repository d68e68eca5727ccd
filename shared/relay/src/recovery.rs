use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use onecommit_commit::{DatabaseError, Deadline, EventLog, Item, PENDING, PENDING_INDEX};
use onecommit_environment::Timestamp;
use onecommit_mutants::{Mutant, is_on};

use crate::lane::{Due, Lane};
use crate::record::key_in;
use crate::relay::{Relay, all_due};

/// What a recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Events that had not left, as far as it looked.
    pub found: u64,
    /// Those of them that still have not: a destination is down, or a version is missing.
    pub left_over: u64,
    /// Whether it looked at all of them. If not, time ran out or a destination is down: recover again.
    pub complete: bool,
}

/// Before every timestamp; DynamoDB takes no empty key.
const FIRST: &str = "0";
/// Rows of one page of the index: so many events at most are in memory at once, with those of their streams between.
const PAGE_ROWS: u32 = 200;

impl Relay {
    /// Publishes events that are older than `age` and have not left: the stream forgets after 24 hours, the index of
    /// pending events does not. Nothing else of the table is read.
    ///
    /// May run beside [`Relay::relay`]: both publish each aggregate in order from the first that has not left, so that
    /// together they only repeat.
    ///
    /// # Errors
    /// When the table does not answer. What was published until then was.
    pub async fn recover(&self, age: Duration, deadline: Deadline) -> Result<Recovered, DatabaseError> {
        let mut recovered = Recovered::default();
        let now = self.environment.clock().now();
        let until = Timestamp::from_unix_ms(now.unix_ms() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        for shard in EventLog::pending_shards() {
            let pending = self.log.table().query(PENDING, shard);
            let pending = pending.on_index(PENDING_INDEX, "timestamp");
            let mut page = Some(
                pending
                    .between("timestamp", FIRST, until.to_string())
                    .rows_max(PAGE_ROWS),
            );
            while let Some(query) = page {
                if deadline.remaining(self.environment.clock()) < self.settings.time_to_settle {
                    return Ok(recovered);
                }
                let found = self.rows.query(&query).await?;
                let lanes = self.pending_lanes(&found.rows, now).await?;
                recovered.found += lanes.iter().map(|lane| lane.due.len() as u64).sum::<u64>();
                let lanes = self.publish_lanes(lanes, deadline).await;
                let left_over = lanes.iter().flat_map(Lane::left_over).count() as u64;
                recovered.left_over += left_over;
                if is_on(Mutant::RecoveryPassesFailed) {
                    self.clear_marks(&lanes, &all_due(&lanes)).await;
                }
                if left_over > 0 && lanes.iter().all(|lane| lane.failed.is_some()) {
                    // Nothing at all gets through; the next run tries again.
                    return Ok(recovered);
                }
                page = found.next;
            }
        }
        recovered.complete = true;
        Ok(recovered)
    }

    /// The events that the rows of the index name, as they are in the table now.
    async fn pending_lanes(&self, rows: &[Item], now: Timestamp) -> Result<Vec<Lane>, DatabaseError> {
        // Owned names: futures that borrow them would not be `Send` enough for every executor.
        let mut ranges: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (stream, version) in rows.iter().filter_map(key_in) {
            let (first, last) = ranges.entry(stream.to_owned()).or_insert((version, version));
            *first = version.min(*first);
            *last = version.max(*last);
        }
        stream::iter(ranges.into_iter().map(|(stream, (first, last))| async move {
            let mut due = Vec::new();
            let range = self.log.table().query("stream", stream.as_str());
            let mut page = Some(range.between("version", first, last));
            while let Some(query) = page {
                let found = self.rows.query(&query).await?;
                let pending = found.rows.iter().filter(|row| EventLog::is_pending(row));
                due.extend(pending.filter_map(|row| Due::from_table(row, now)));
                page = found.next;
            }
            Ok(Lane::new(stream, due))
        }))
        .buffer_unordered(self.settings.concurrency.max(1))
        .try_collect()
        .await
    }
}
