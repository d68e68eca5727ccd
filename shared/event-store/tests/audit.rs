//! What exports and their verification promise, on a table in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, EventLog, Item, Key, Page, Query, RetryingTables, Scan, Table, TableReader, TableWriter,
    TransientKind, Value,
};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use onecommit_event_store::audit::{Audit, ExportError, Exported, Fault, Hash, Progress, Scope, VerifyError, verify};
use onecommit_testing::{MemoryDatabase, VirtualClock};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Deposited {
    amount: u64,
    note: String,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

struct Fixture {
    tables: Arc<MemoryDatabase>,
    audit: Audit,
}

/// Pages of two rows, as a table of megabytes has them.
struct SmallPages(Arc<MemoryDatabase>);

#[async_trait]
impl TableReader for SmallPages {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.0.get(table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.0.query(&query.clone().rows_max(2)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.0.scan(&scan.clone().rows_max(2)).await
    }
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

fn stream(id: &str) -> Aggregate {
    Aggregate::new("Account", id).unwrap()
}

fn fixture() -> Fixture {
    let tables = Arc::new(MemoryDatabase::default());
    let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)));
    Fixture {
        audit: Audit::new(Arc::new(SmallPages(tables.clone())), log(), environment),
        tables,
    }
}

fn event(stream: &Aggregate, version: u64) -> Event {
    let deposited = Deposited {
        amount: version,
        note: format!("Grüße \"{version}\""),
    };
    let metadata = Metadata {
        sequence: Some(version),
        ..Metadata::starting("c")
    };
    let new = NewEvent::of(&deposited).unwrap();
    let at = Timestamp::parse(&format!("2026-11-2{version}T12:00:00Z")).unwrap();
    Event::from_new(new, stream.clone(), metadata, &Environment::system())
        .unwrap()
        .with_timestamp(at)
}

impl Fixture {
    async fn append(&self, id: &str, versions: std::ops::RangeInclusive<u64>) {
        for version in versions {
            let put = log().put(&event(&stream(id), version));
            self.tables.write(&put.into()).await.unwrap();
        }
    }

    /// Writes a row past the event store.
    async fn overwrite(&self, id: &str, version: u64, attribute: &str, value: &str) {
        let update = log().table().update(EventLog::key(&stream(id), version));
        self.tables.write(&update.set(attribute, value).into()).await.unwrap();
    }

    async fn stored(&self, id: &str, version: u64) -> String {
        let (log, key) = (log(), EventLog::key(&stream(id), version));
        let row = self.tables.get(log.table(), &key).await.unwrap().unwrap();
        row["event"].as_str().unwrap().to_owned()
    }

    async fn delete(&self, id: &str, version: u64) {
        let delete = log().table().delete(EventLog::key(&stream(id), version));
        self.tables.write(&delete.into()).await.unwrap();
    }

    async fn try_export(&self, id: &str) -> Result<(String, Exported), ExportError> {
        let mut file = Vec::new();
        let exported = self.audit.export_stream(&stream(id), &mut file, &mut |_| ()).await?;
        Ok((String::from_utf8(file).unwrap(), exported))
    }

    async fn export(&self, id: &str) -> (String, Exported) {
        self.try_export(id).await.unwrap()
    }

    async fn export_range(&self, from: &str, to: &str) -> (String, Exported) {
        let (from, to) = (Timestamp::parse(from).unwrap(), Timestamp::parse(to).unwrap());
        let mut file = Vec::new();
        let exported = self.audit.export_range(from, to, &mut file, &mut |_| ()).await.unwrap();
        (String::from_utf8(file).unwrap(), exported)
    }
}

/// An export of five events, with the header and the closing line seven lines.
async fn an_export() -> (Vec<String>, Exported) {
    let it = fixture();
    it.append("a-1", 1..=5).await;
    let (file, exported) = it.export("a-1").await;
    (file.lines().map(str::to_owned).collect(), exported)
}

fn file_of(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The first line that does not fit, and why.
fn fault_in(file: &str, expected: Option<Hash>) -> (u64, Fault) {
    match verify(file.as_bytes(), expected) {
        Err(VerifyError::Fault { line, fault }) => (line, fault),
        other => panic!("{other:?}"),
    }
}

fn fault_of(lines: &[String]) -> (u64, Fault) {
    fault_in(&file_of(lines), None)
}

#[tokio::test(start_paused = true)]
async fn an_export_of_a_stream_holds_every_event_as_it_is_stored() {
    let it = fixture();
    it.append("a-1", 1..=5).await;
    it.append("a-2", 1..=1).await;
    let (file, exported) = it.export("a-1").await;
    assert_eq!((exported.events, file.lines().count()), (5, 7));
    for (version, line) in (1..=5).zip(file.lines().skip(1)) {
        assert!(line.contains(&it.stored("a-1", version).await), "{line}");
    }
    let verified = verify(file.as_bytes(), Some(exported.head)).unwrap();
    assert_eq!((verified.events, verified.head), (exported.events, exported.head));
    assert_eq!(
        verified.scope,
        Scope::Stream {
            stream: "Account#a-1".into()
        }
    );
    assert_eq!(verified.exported_at, "2026-11-22T07:00:00.000Z");
}

#[tokio::test]
async fn an_export_of_a_time_range_holds_the_events_of_all_streams_from_then_until_before_then() {
    let it = fixture();
    it.append("a-1", 1..=5).await;
    it.append("a-2", 1..=3).await;
    let (file, exported) = it.export_range("2026-11-22T12:00:00Z", "2026-11-24T12:00:00Z").await;
    let events: BTreeSet<(String, u64)> = file
        .lines()
        .skip(1)
        .take(4)
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            (
                line["stream"].as_str().unwrap().to_owned(),
                line["version"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [("a-1", 2), ("a-1", 3), ("a-2", 2), ("a-2", 3)];
    assert_eq!(
        events,
        expected.map(|(id, version)| (format!("Account#{id}"), version)).into()
    );
    assert_eq!(verify(file.as_bytes(), Some(exported.head)).unwrap().events, 4);
}

#[tokio::test]
async fn an_event_cannot_be_hidden_by_changing_the_rows_copy_of_its_time() {
    let it = fixture();
    it.append("a-1", 1..=3).await;
    it.overwrite("a-1", 2, "timestamp", "1970-01-01T00:00:00.000Z").await;
    let (_, exported) = it.export_range("2026-11-21T00:00:00Z", "2026-11-25T00:00:00Z").await;
    assert_eq!(exported.events, 3);
}

#[tokio::test]
async fn an_empty_range_is_an_export_of_no_events() {
    let it = fixture();
    it.append("a-1", 1..=3).await;
    let (file, exported) = it.export_range("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z").await;
    assert_eq!(verify(file.as_bytes(), Some(exported.head)).unwrap().events, 0);
}

#[tokio::test]
async fn snapshots_are_not_exported() {
    let it = fixture();
    it.append("a-1", 1..=2).await;
    it.overwrite("a-1", 0, "state", "{}").await;
    assert_eq!(it.export("a-1").await.1.events, 2);
    assert_eq!(
        it.export_range("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
            .await
            .1
            .events,
        2
    );
}

#[tokio::test]
async fn progress_is_reported_page_by_page() {
    let it = fixture();
    it.append("a-1", 1..=5).await;
    let mut told = Vec::new();
    let mut tell = |progress: Progress| told.push((progress.rows_seen, progress.events));
    it.audit
        .export_stream(&stream("a-1"), &mut io::sink(), &mut tell)
        .await
        .unwrap();
    assert_eq!(told, [(2, 2), (4, 4), (5, 5)]);
}

#[tokio::test(start_paused = true)]
async fn an_export_survives_passing_trouble_with_the_table() {
    let mut it = fixture();
    let environment = Environment::system();
    let patient = RetryingTables::of(SmallPages(it.tables.clone()), environment.clone());
    it.audit = Audit::new(Arc::new(patient), log(), environment);
    it.append("a-1", 1..=5).await;
    for _ in 0..3 {
        let throttled = DatabaseError::Transient(TransientKind::Throttled, "slow down".into());
        it.tables.fail_next(throttled);
    }
    assert_eq!(it.export("a-1").await.1.events, 5);
    it.tables.fail_next(DatabaseError::Rejected("no permission".into()));
    assert!(matches!(it.try_export("a-1").await, Err(ExportError::Database(_))));
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_an_error_that_names_it() {
    let error = fixture().try_export("a-9").await.unwrap_err();
    assert!(matches!(error, ExportError::NoSuchStream { .. }), "{error:?}");
    assert!(error.to_string().contains("Account#a-9"));
}

#[tokio::test]
async fn a_version_that_somebody_deleted_is_named() {
    for missing in [1, 3] {
        let it = fixture();
        it.append("a-1", 1..=5).await;
        it.delete("a-1", missing).await;
        let error = it.try_export("a-1").await.unwrap_err();
        assert!(
            matches!(error, ExportError::Gap { missing: found, .. } if found == missing),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_row_that_the_event_store_did_not_write_so_is_named() {
    let of_another_stream = event(&stream("a-2"), 2).to_json();
    let of_another_version = event(&stream("a-1"), 3).to_json();
    let on_two_lines = event(&stream("a-1"), 2).to_json().replacen('{', "{\n", 1);
    let with_space_around = format!(" {}", event(&stream("a-1"), 2).to_json());
    for text in [of_another_stream, of_another_version, on_two_lines, with_space_around] {
        let it = fixture();
        it.append("a-1", 1..=3).await;
        it.overwrite("a-1", 2, "event", &text).await;
        let error = it.try_export("a-1").await.unwrap_err();
        assert!(matches!(error, ExportError::Foreign { version: 2, .. }), "{error:?}");
    }
    for text in ["", "{}", "no JSON"] {
        let it = fixture();
        it.append("a-1", 1..=3).await;
        it.overwrite("a-1", 2, "event", text).await;
        let error = it.try_export("a-1").await.unwrap_err();
        assert!(matches!(error, ExportError::Corrupt { version: 2, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn output_that_fails_is_an_error() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let it = fixture();
    it.append("a-1", 1..=1).await;
    let failed = it.audit.export_stream(&stream("a-1"), &mut Full, &mut |_| ()).await;
    assert!(matches!(failed, Err(ExportError::Output(_))), "{failed:?}");
}

#[tokio::test]
async fn a_change_of_any_byte_is_found_in_its_line() {
    let (lines, _) = an_export().await;
    let file = file_of(&lines).into_bytes();
    let mut line = 1;
    for position in 0..file.len() - 1 {
        let mut changed = file.clone();
        changed[position] ^= 1;
        match verify(changed.as_slice(), None) {
            Err(VerifyError::Fault { line: found, fault }) => {
                // What is hashed of the header is seen in the first event's line.
                let expected = if line == 1 { 1..=2 } else { line..=line };
                assert!(
                    expected.contains(&found),
                    "byte {position} of line {line}: {found} {fault:?}"
                );
            }
            other => panic!("byte {position} of line {line}: {other:?}"),
        }
        line += u64::from(file[position] == b'\n');
    }
}

#[tokio::test]
async fn a_changed_event_is_called_changed() {
    let (mut lines, _) = an_export().await;
    lines[3] = lines[3].replace("\"amount\":3", "\"amount\":30");
    assert_eq!(fault_of(&lines), (4, Fault::Changed));
}

#[tokio::test]
async fn a_removed_line_is_found_where_it_is_missing() {
    for position in 1..=4 {
        let (mut lines, _) = an_export().await;
        lines.remove(position);
        let (expected, found) = (position as u64, position as u64 + 1);
        assert_eq!(fault_of(&lines), (found, Fault::Skips { expected, found }));
    }
    let (mut lines, _) = an_export().await;
    lines.remove(5);
    assert_eq!(fault_of(&lines), (6, Fault::Miscounted { events: 4, said: 5 }));
    let (mut lines, _) = an_export().await;
    lines.remove(0);
    assert_eq!(fault_of(&lines), (1, Fault::NoHeader));
}

#[tokio::test]
async fn an_inserted_line_is_found() {
    for position in 2..=6 {
        let (mut lines, _) = an_export().await;
        lines.insert(position, lines[1].clone());
        let (expected, found) = (position as u64, 1);
        assert_eq!(
            fault_of(&lines),
            (position as u64 + 1, Fault::Repeats { expected, found })
        );
    }
    let (mut lines, _) = an_export().await;
    lines.insert(3, "{\"note\":\"harmless\"}".into());
    assert_eq!(fault_of(&lines), (4, Fault::Unreadable));
}

#[tokio::test]
async fn lines_that_changed_places_are_found_at_the_first_of_them() {
    for position in 1..=4 {
        let (mut lines, _) = an_export().await;
        lines.swap(position, position + 1);
        let (expected, found) = (position as u64, position as u64 + 1);
        assert_eq!(fault_of(&lines), (found, Fault::Skips { expected, found }));
    }
}

#[tokio::test]
async fn a_line_of_another_export_is_found_though_it_fits_by_itself() {
    let (mut lines, _) = an_export().await;
    let (others, _) = an_export().await;
    assert_ne!(lines[3], others[3]);
    lines[3] = others[3].clone();
    assert_eq!(fault_of(&lines), (4, Fault::FollowsAnother));
}

#[tokio::test]
async fn an_export_that_ends_anywhere_before_its_end_is_cut_off() {
    let (lines, _) = an_export().await;
    let file = file_of(&lines);
    let closing = file.len() - lines[6].len() - 1;
    let header = lines[0].len();
    for end in (header + 1..closing).filter(|end| file.is_char_boundary(*end)) {
        let (line, fault) = fault_in(&file[..end], None);
        let whole_events = file[..end].matches('\n').count() as u64 - 1;
        // An event's line that lacks its line break only is whole.
        let next = whole_events + 2 + u64::from(file[end..].starts_with('\n'));
        assert_eq!((line, fault), (next, Fault::CutOff), "{end}");
    }
    assert_eq!(fault_in("", None), (1, Fault::NoHeader));
}

#[tokio::test]
async fn what_follows_the_closing_line_is_found() {
    let (mut lines, exported) = an_export().await;
    for added in [String::new(), lines[6].clone(), lines[5].clone()] {
        lines.push(added);
        assert_eq!(fault_in(&file_of(&lines), Some(exported.head)), (8, Fault::AfterTheEnd));
        lines.pop();
    }
}

#[tokio::test]
async fn an_end_that_was_cut_and_closed_anew_is_found_with_the_head_only() {
    let (mut lines, exported) = an_export().await;
    let shorter = serde_json::from_str::<serde_json::Value>(&lines[4]).unwrap();
    lines.truncate(5);
    lines.push(format!("{{\"events\":4,\"head\":{}}}", shorter["hash"]));
    let file = file_of(&lines);
    assert_eq!(verify(file.as_bytes(), None).unwrap().events, 4);
    let (line, fault) = fault_in(&file, Some(exported.head));
    assert!(matches!(fault, Fault::NotTheExpected { .. }), "{fault:?}");
    assert_eq!(line, 6);
}

#[tokio::test]
async fn an_export_that_was_made_anew_from_a_changed_table_is_found_with_the_head() {
    let it = fixture();
    it.append("a-1", 1..=3).await;
    let (_, exported) = it.export("a-1").await;
    let changed = it.stored("a-1", 2).await.replace("\"amount\":2", "\"amount\":20");
    it.overwrite("a-1", 2, "event", &changed).await;
    let (file, _) = it.export("a-1").await;
    verify(file.as_bytes(), None).unwrap();
    let (_, fault) = fault_in(&file, Some(exported.head));
    assert!(matches!(fault, Fault::NotTheExpected { .. }), "{fault:?}");
}

#[tokio::test]
async fn a_false_closing_line_is_found() {
    let (mut lines, exported) = an_export().await;
    let closing = lines[6].clone();
    lines[6] = closing.replace("\"events\":5", "\"events\":6");
    assert_eq!(fault_of(&lines), (7, Fault::Miscounted { events: 5, said: 6 }));
    lines[6] = format!("{{\"events\":5,\"head\":\"{}\"}}", "0".repeat(64));
    assert_eq!(fault_of(&lines), (7, Fault::OtherHead { head: exported.head }));
}

#[tokio::test]
async fn a_field_that_no_hash_covers_is_no_part_of_an_export() {
    for position in [0, 2, 6] {
        let (mut lines, _) = an_export().await;
        lines[position] = lines[position].replacen('{', "{\"note\":\"trust me\",", 1);
        let expected = if position == 0 {
            Fault::NoHeader
        } else {
            Fault::Unreadable
        };
        assert_eq!(fault_of(&lines), (position as u64 + 1, expected));
    }
}

#[test]
fn an_endless_line_is_no_line_of_an_export_and_takes_bounded_memory() {
    let endless = io::BufReader::new(io::repeat(b'x'));
    assert!(matches!(verify(endless, None), Err(VerifyError::Fault { line: 1, .. })));
    let not_utf8 = [0xff_u8, b'\n'];
    assert!(matches!(
        verify(not_utf8.as_slice(), None),
        Err(VerifyError::Fault { line: 1, .. })
    ));
}

#[tokio::test]
async fn a_value_of_the_row_that_is_no_text_is_no_event() {
    let it = fixture();
    it.append("a-1", 1..=1).await;
    let update = log().table().update(EventLog::key(&stream("a-1"), 1));
    it.tables.write(&update.set("event", Value::Null).into()).await.unwrap();
    assert!(matches!(it.try_export("a-1").await, Err(ExportError::Corrupt { .. })));
}
