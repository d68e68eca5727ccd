//! Streams of more than one page.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, Item, Page, Query, RetryingTables, Scan, TransientKind};

use super::*;

impl Fixture {
    async fn filled(self, events: u64) -> Self {
        for version in (0..events).step_by(100) {
            let count = (events - version).min(100);
            self.append(version, count as usize).await.unwrap();
        }
        self
    }

    async fn sequences(&self) -> Vec<u64> {
        let events = self.store.read(&self.stream, 1).all().await.unwrap();
        events.iter().filter_map(|event| event.metadata().sequence).collect()
    }

    async fn delete(&self, versions: std::ops::RangeInclusive<u64>) {
        for version in versions {
            let delete = log().table().delete(EventLog::key(&self.stream, version));
            self.tables.write(&delete.into()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_short_stream_is_one_request() {
    let fixture = fixture().filled(200).await;
    let before = fixture.tables.requests();
    assert_eq!(fixture.balance().await.version, 200);
    assert_eq!(fixture.tables.requests() - before, 1);
}

#[tokio::test]
async fn a_stream_of_any_length_is_read_whole_and_in_order() {
    for events in [249, 250, 251, 1_000, 1_001, 1_501] {
        let fixture = fixture().filled(events).await;
        assert_eq!(fixture.sequences().await, (1..=events).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_state_at_a_version_is_that_of_exactly_the_events_before_it() {
    let fixture = fixture().filled(1_100).await;
    for version in [1, 249, 250, 251, 499, 500, 501, 750, 1_000, 1_001, 1_100, 5_000] {
        let loaded = fixture
            .store
            .load_at_version::<Account>(&fixture.stream, version)
            .await
            .unwrap();
        assert_eq!(loaded.version, version.min(1_100));
        assert_eq!(loaded.state.movements, version.min(1_100));
    }
}

#[tokio::test]
async fn events_missing_where_two_pages_meet_are_a_gap_and_no_end() {
    for missing in [250..=250, 251..=251, 251..=500, 499..=501, 751..=1_000] {
        let fixture = fixture().filled(1_200).await;
        fixture.delete(missing.clone()).await;
        let gap = fixture.store.load::<Account>(&fixture.stream).await;
        assert!(
            matches!(&gap, Err(StoreError::Gap { missing: first, .. }) if first == missing.start()),
            "{missing:?}: {gap:?}"
        );
    }
}

/// Rows that are so large that few fit on a page, and how many pages were asked for at once.
struct Pages {
    tables: Arc<MemoryDatabase>,
    rows_max: u32,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Pages {
    fn of(tables: &Arc<MemoryDatabase>, rows_max: u32) -> Arc<Self> {
        Arc::new(Self {
            tables: tables.clone(),
            rows_max,
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
        })
    }
}

#[async_trait]
impl TableReader for Pages {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.tables.get(table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(now, Ordering::Relaxed);
        let rows_max = query.page_rows_max().unwrap_or(u32::MAX).min(self.rows_max);
        let page = self.tables.query(&query.clone().rows_max(rows_max)).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        page
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.tables.scan(scan).await
    }
}

#[tokio::test]
async fn a_stream_whose_pages_are_cut_by_size_is_read_whole_and_in_order() {
    for rows_max in [1, 7, 100, 200] {
        let fixture = fixture_with(Arc::clone, |tables| Pages::of(tables, rows_max));
        let fixture = fixture.filled(321).await;
        assert_eq!(fixture.sequences().await, (1..=321).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_pages_of_a_long_stream_are_fetched_side_by_side() {
    let tables = Arc::new(MemoryDatabase::default());
    let pages = Pages::of(&tables, u32::MAX);
    let fixture = Fixture {
        store: store_of(tables.clone(), pages.clone(), Environment::system()),
        tables,
        ..fixture()
    };
    let fixture = fixture.filled(1_000).await;
    fixture.balance().await;
    assert!(pages.most_under_way.load(Ordering::Relaxed) > 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_table_is_asked_for_the_page_again() {
    let patient = |tables: &Arc<MemoryDatabase>| Arc::new(RetryingTables::of(tables.clone(), Environment::system()));
    let fixture = fixture_with(|tables| tables.clone(), patient).filled(1_000).await;
    for _ in 0..3 {
        let busy = DatabaseError::Transient(TransientKind::Throttled, "slow down".into());
        fixture.tables.fail_next(busy);
    }
    assert_eq!(fixture.balance().await.version, 1_000);
}

#[tokio::test]
async fn a_reading_goes_on_after_a_fault_where_it_was() {
    let fixture = fixture().filled(1_500).await;
    let fail_next = || {
        let away = DatabaseError::Transient(TransientKind::Unavailable, "reset".into());
        fixture.tables.fail_next(away);
    };
    let mut reading = fixture.store.read(&fixture.stream, 1);
    let (mut faults, mut sequences) = (0, Vec::new());
    fail_next();
    loop {
        match reading.next().await {
            Ok(None) => break,
            Ok(Some(event)) => {
                sequences.extend(event.metadata().sequence);
                if sequences.len() == 300 {
                    // They meet two pages that are asked for side by side.
                    fail_next();
                    fail_next();
                }
            }
            Err(error) => {
                assert!(error.is_transient());
                faults += 1;
            }
        }
    }
    assert_eq!(sequences, (1..=1_500).collect::<Vec<_>>());
    assert_eq!(faults, 3);
}

/// A stream that has more events with every query but the first.
struct Growing {
    tables: Arc<MemoryDatabase>,
    growth: EventStore,
    stream: Aggregate,
    /// They are answered one after the other.
    queries: tokio::sync::Mutex<u32>,
}

#[async_trait]
impl TableReader for Growing {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.tables.get(table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        let mut queries = self.queries.lock().await;
        *queries += 1;
        let page = self.tables.query(query).await;
        let appends = if (2..10).contains(&*queries) { 3 } else { 0 };
        for _ in 0..appends {
            let version = self.growth.version(&self.stream).await.unwrap();
            let (events, metadata) = (vec![deposit(1); 100], Metadata::starting("test"));
            let appended = self.growth.append(&self.stream, version, events, &metadata).await;
            appended.unwrap();
        }
        page
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.tables.scan(scan).await
    }
}

#[tokio::test]
async fn a_stream_that_grows_while_it_is_read_has_no_gap() {
    let growing = |tables: &Arc<MemoryDatabase>| {
        Arc::new(Growing {
            tables: tables.clone(),
            growth: EventStore::new(tables.clone(), log(), Environment::system()),
            stream: fixture().stream,
            queries: tokio::sync::Mutex::default(),
        })
    };
    let fixture = fixture_with(Arc::clone, growing).filled(300).await;
    let sequences = fixture.sequences().await;
    assert!(sequences.len() >= 600, "{}", sequences.len());
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
}
