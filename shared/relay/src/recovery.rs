use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

use onecommit_engine::{DatabaseError, Deadline, EventLog, Item, PENDING, PENDING_INDEX, STUCK};
use onecommit_environment::Timestamp;
use tracing::warn;

use crate::lane::{End, Lane};
use crate::record::key_in;
use crate::relay::{Left, Relay, describe};

/// What a recovery found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Events that had not left, as far as it looked.
    pub found: u64,
    /// Those of them that still have not.
    pub left_over: u64,
    /// Those of them that are stuck, or wait for one that is: they could neither leave nor be parked, while others could.
    pub stuck: u64,
    /// Whether it looked at all of them, and held none back. If not, time ran out, a destination is down or a version is
    /// missing: recover again.
    pub complete: bool,
}

/// Before every timestamp; DynamoDB takes no empty key.
const FIRST: &str = "0";
/// After every timestamp.
const LAST: &str = "9999-12-31T23:59:59.999Z";
/// The largest version there is.
const LAST_VERSION: u64 = i64::MAX as u64;
/// Rows of one page of the index, which are keys only.
const PAGE_ROWS: u32 = 200;
/// How often an event is tried in a recovery: the next one comes soon.
const TRIES_MAX: u32 = 2;

/// A part of the index.
struct Partition {
    key: String,
    until: String,
    deadline: Deadline,
}

impl Relay {
    /// Publishes events that have not left: those that are older than `age` - the stream forgets after 24 hours, the index
    /// of pending events does not - and those that were stepped over, whatever their age. Nothing else of the table is
    /// read.
    ///
    /// What keeps an event, an aggregate or a partition of the index from being recovered does not hold up the others.
    ///
    /// May run beside [`Relay::relay`]: both publish each aggregate in order from the first that has not left, so that
    /// together they only repeat.
    ///
    /// # Errors
    /// When the table does not answer for a part of the index. What was published of the others was.
    pub async fn recover(&self, age: Duration, deadline: Deadline) -> Result<Recovered, DatabaseError> {
        let mut recovered = Recovered {
            complete: true,
            ..Recovered::default()
        };
        let mut problem = None;
        for partition in self.partitions(age, deadline) {
            if let Err(error) = self.recover_partition(&partition, &mut recovered).await {
                warn!(
                    partition = partition.key,
                    error = describe(&error),
                    "partition of the index of pending events could not be recovered"
                );
                problem.get_or_insert(error);
            }
        }
        problem.map_or(Ok(recovered), Err)
    }

    /// What is stuck comes first: it is little, and has waited longest. It gets half of the time.
    fn partitions(&self, age: Duration, deadline: Deadline) -> Vec<Partition> {
        let clock = self.environment.clock();
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let old = Timestamp::from_unix_ms(clock.now().unix_ms().saturating_sub(age_ms)).to_string();
        let stuck = Partition {
            key: STUCK.to_owned(),
            until: LAST.to_owned(),
            deadline: Deadline::after(self.time_left(deadline) / 2, clock),
        };
        let pending = EventLog::pending_shards().map(move |key| Partition {
            key,
            until: old.clone(),
            deadline,
        });
        iter::once(stuck).chain(pending).collect()
    }

    async fn recover_partition(&self, partition: &Partition, recovered: &mut Recovered) -> Result<(), DatabaseError> {
        let index = self.log.table().query(PENDING, partition.key.as_str());
        let index = index.on_index(PENDING_INDEX, "timestamp");
        let mut page = Some(
            index
                .between("timestamp", FIRST, partition.until.as_str())
                .rows_max(PAGE_ROWS),
        );
        while let Some(query) = page {
            let time = self.time_left(partition.deadline);
            if time.is_zero() {
                recovered.complete = false;
                return Ok(());
            }
            let Some(found) = self.environment.within(time, self.tables.query(&query)).await else {
                recovered.complete = false;
                return Ok(());
            };
            let found = found?;
            let (lanes, mut left) = self.lanes_of_index(&found.rows, partition.key == STUCK);
            self.clear_marks(&mut left, partition.deadline).await;
            let lanes = self.publish_lanes(lanes, TRIES_MAX, partition.deadline).await;
            recovered.count(&lanes);
            page = found.next;
        }
        Ok(())
    }

    /// A lane for each stream that the rows of the index name, and the marks of what has left. Behind a stuck event, all of
    /// its stream waits.
    fn lanes_of_index(&self, rows: &[Item], are_stuck: bool) -> (Vec<Lane>, Left) {
        let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut left = Left::default();
        for (stream, version) in rows.iter().filter_map(key_in) {
            if self
                .seen
                .get(&stream.to_owned())
                .is_some_and(|left| (left.from..=left.upto).contains(&version))
            {
                // Its mark could not be cleared.
                left.marks.push((stream.to_owned(), version));
            } else {
                versions.entry(stream.to_owned()).or_default().push(version);
            }
        }
        let lane = |(stream, versions): (String, Vec<u64>)| {
            let newest = versions.iter().copied().max().unwrap_or(0);
            let until = if are_stuck { LAST_VERSION } else { newest };
            Lane::of_index(stream, versions, until)
        };
        (versions.into_iter().map(lane).collect(), left)
    }
}

impl Recovered {
    fn count(&mut self, lanes: &[Lane]) {
        for lane in lanes {
            let left_over = lane.wanted_left_over();
            self.found += lane.done + left_over;
            self.left_over += left_over;
            match lane.end {
                Some(End::SteppedOver(_)) => self.stuck += left_over,
                Some(End::Held(_)) => self.complete = false,
                None => {}
            }
        }
    }
}
