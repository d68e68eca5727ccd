//! What has to leave before the records at hand: read from the table, a page at a time, so that memory does not grow with
//! an aggregate's backlog.

use std::ops::Range;
use std::time::Duration;

use onecommit_engine::{DatabaseError, EventLog};
use onecommit_environment::Timestamp;
use tracing::error;

use crate::lane::{Due, End, Lane};
use crate::record::version_in;
use crate::relay::{Relay, age, describe};

/// Rows of a page, 400 KB each at most.
const PAGE_ROWS: u32 = 25;
/// A younger record is hardly handed in again to another process. Looking costs a read for each new aggregate.
const MAY_HAVE_LEFT: Duration = Duration::from_secs(15);
/// Versions that are skipped when the relay looks back further than a page, four times as many with each step.
const FIRST_LEAP: u64 = 4 * PAGE_ROWS as u64;

impl Relay {
    /// Finds the first event of the lane that has not left.
    pub(crate) async fn start(&self, lane: &mut Lane) {
        lane.is_started = true;
        let known = self.seen.get(&lane.stream);
        if let Some(known) = known.filter(|known| lane.goes_on_after(*known)) {
            lane.go_on_after(known);
            return;
        }
        let Some(first) = lane.first() else { return };
        let until = self.newest_if_old(lane).map_or(first, |newest| newest + 1);
        match self.last_that_left(&lane.stream, until).await {
            Ok(left) => lane.start_after(left),
            Err(error) => lane.end = Some(End::Held(describe(&error))),
        }
    }

    /// The newest record at hand, when the oldest is so old that they may have left already: handed in by Lambda to a process
    /// that died. Only marks tell.
    fn newest_if_old(&self, lane: &Lane) -> Option<u64> {
        let now = self.environment.clock().now();
        let is_old = age(lane.due.front()?.written_at, now) >= MAY_HAVE_LEFT;
        let are_marked = lane.due.iter().all(|due| due.is_marked);
        lane.due.back().filter(|_| is_old && are_marked).map(|due| due.version)
    }

    /// A version before `version` that carries no mark any more, the newest or one not far behind it; 0 when all do. Events
    /// leave in order, so all before it have left.
    async fn last_that_left(&self, stream: &str, version: u64) -> Result<u64, DatabaseError> {
        let (mut upto, mut rows, mut leap) = (version - 1, 1, 0);
        while upto > 0 {
            let backward = self.log.table().query("stream", stream).between("version", 1, upto);
            let page = self.tables.query(&backward.backward().rows_max(rows)).await?;
            if let Some(row) = page.rows.iter().find(|row| !EventLog::is_pending(row)) {
                return Ok(version_in(row).unwrap_or(0));
            }
            let Some(oldest) = page.rows.last().and_then(version_in) else {
                break;
            };
            upto = oldest.saturating_sub(1 + leap);
            // Most often it is the one before; sometimes one of the page before that.
            (rows, leap) = match (rows, leap) {
                (1, 0) => (PAGE_ROWS, 0),
                _ => (1, leap.saturating_mul(4).max(FIRST_LEAP)),
            };
        }
        Ok(0)
    }

    /// Reads a page of what has to leave before the next record, or of what a recovery is there for.
    pub(crate) async fn fill(&self, lane: &mut Lane) {
        if let Err(why) = self.read_page(lane).await {
            lane.end = Some(End::Held(why));
        }
    }

    async fn read_page(&self, lane: &mut Lane) -> Result<(), String> {
        let now = self.environment.clock().now();
        let next_record = lane.due.front().map(|due| (due.version, due.written_at));
        let upto = next_record.map_or(lane.until, |(version, _)| version - 1);
        let range = self.log.table().query("stream", lane.stream.as_str());
        let page = range.between("version", lane.covered + 1, upto).rows_max(PAGE_ROWS);
        let found = self.tables.query(&page).await.map_err(|error| describe(&error))?;
        let (mut covered, mut fetched) = (lane.covered, Vec::new());
        for row in &found.rows {
            let Some(due) = Due::from_table(row, now) else { continue };
            if due.version > covered + 1 {
                if covered > lane.covered {
                    // What is before the gap leaves first.
                    break;
                }
                self.pass_gap(&lane.stream, covered + 1..due.version, due.written_at)?;
            }
            covered = due.version;
            if lane.has_to_publish(&due) {
                fetched.push(due);
            }
        }
        if covered == lane.covered {
            match next_record {
                Some((version, written_at)) => {
                    self.pass_gap(&lane.stream, covered + 1..version, written_at)?;
                    covered = version - 1;
                }
                None => lane.until = covered,
            }
        }
        self.tally().fetched += fetched.len() as u64;
        fetched.into_iter().rev().for_each(|due| lane.due.push_front(due));
        lane.covered = covered;
        lane.advance();
        Ok(())
    }

    /// Goes on without versions that are not there, once they have been waited for.
    ///
    /// # Errors
    /// As long as they have to be waited for.
    fn pass_gap(&self, stream: &str, missing: Range<u64>, next_written_at: Timestamp) -> Result<(), String> {
        let now = self.environment.clock().now();
        if age(next_written_at, now) < self.settings.gap_patience {
            let version = missing.start;
            return Err(format!(
                "version {version} of {stream} has to be published first, and is not in the table yet"
            ));
        }
        error!(stream, versions = ?missing, "versions are missing in a stream; later events are published without them");
        self.tally().gaps_passed += missing.end - missing.start;
        Ok(())
    }
}
