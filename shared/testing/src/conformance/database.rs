#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, Condition, DatabaseError, EventLog, Item, Key, PendingMarks, Query, Scan, Table, TableReader,
    TableWriter, Transaction, Value, Write,
};
use onecommit_environment::Environment;

use crate::await_until::{Patience, await_until};

/// A database with two empty tables to try it on, both keyed by the text `pk`.
#[async_trait]
pub trait DatabaseUnderTest: Send + Sync {
    /// The database.
    fn database(&self) -> &dyn TableWriter;
    /// The same database, for reading.
    fn rows(&self) -> &dyn TableReader;
    /// The tables.
    fn tables(&self) -> [Table; 2];
    /// A third empty table, keyed by the text `stream` and the number `version`, with a global index named `pending` of
    /// the texts `pending` and `timestamp`.
    fn streams(&self) -> Table;
    /// The same database, for clearing marks.
    fn marks(&self) -> &dyn PendingMarks;
    /// The row of `table` with this `pk`, read consistently by other means than [`TableReader`].
    async fn row(&self, table: &Table, pk: &str) -> Option<Item>;
}

/// Runs the whole suite.
///
/// # Panics
/// When the database does not do as it should.
pub async fn database(subject: &dyn DatabaseUnderTest) {
    all_writes_of_a_transaction_land(subject).await;
    a_failed_condition_keeps_everything_out_and_shows_the_row_it_found(subject).await;
    every_failed_condition_of_a_transaction_is_reported(subject).await;
    a_repeated_token_changes_nothing_more(subject).await;
    updates_set_add_and_remove(subject).await;
    conditions_compare_numbers_as_numbers(subject).await;
    a_single_write_reports_its_failed_condition(subject).await;
    a_missing_table_is_a_refusal(subject).await;
    every_kind_of_value_is_kept(subject).await;
    a_row_is_read_by_its_key(subject).await;
    rows_are_read_in_the_order_of_their_keys(subject).await;
    a_partition_is_read_in_the_order_of_its_sort_key_page_by_page(subject).await;
    a_partition_larger_than_a_page_is_not_cut(subject).await;
    only_the_selected_attributes_of_a_partition_are_read(subject).await;
    a_scan_gives_every_row_once_page_by_page(subject).await;
    an_index_gives_the_rows_that_have_its_key_in_its_order(subject).await;
    a_set_grows_and_is_looked_into_without_a_read(subject).await;
    a_failed_condition_on_a_set_shows_the_row_alone_and_in_a_transaction(subject).await;
    a_set_that_is_full_or_of_another_kind_is_not_added_to(subject).await;
    a_cleared_mark_leaves_the_index_and_brings_no_row_to_life(subject).await;
}

fn key(pk: &str) -> Key {
    Key::new("pk", pk)
}

async fn transact(subject: &dyn DatabaseUnderTest, writes: Vec<Write>) -> Result<(), DatabaseError> {
    let transaction = Transaction {
        token: Environment::system().ids().next(),
        writes,
    };
    subject.database().transact(&transaction).await
}

async fn number(subject: &dyn DatabaseUnderTest, table: &Table, pk: &str, name: &str) -> Option<i64> {
    subject
        .row(table, pk)
        .await
        .and_then(|row| row.get(name).and_then(Value::as_i64))
}

async fn all_writes_of_a_transaction_land(subject: &dyn DatabaseUnderTest) {
    let [one, two] = subject.tables();
    let writes = vec![
        one.put(key("land"), []).into(),
        two.update(key("land")).add("count", 2).into(),
    ];
    transact(subject, writes).await.unwrap();
    assert!(subject.row(&one, "land").await.is_some());
    assert_eq!(number(subject, &two, "land", "count").await, Some(2));
}

async fn a_failed_condition_keeps_everything_out_and_shows_the_row_it_found(subject: &dyn DatabaseUnderTest) {
    let [one, two] = subject.tables();
    let first = one
        .put(key("once"), [("by".to_owned(), Value::from("first"))])
        .only_if_absent();
    transact(subject, vec![first.clone().into()]).await.unwrap();
    let again = vec![first.into(), two.put(key("never"), []).into()];
    let Err(DatabaseError::Cancelled(reasons)) = transact(subject, again).await else {
        panic!("the second put should have been cancelled");
    };
    let Cancellation::ConditionFailed(Some(found)) = &reasons[0] else {
        panic!("no row in {reasons:?}")
    };
    assert_eq!(found["by"], Value::from("first"));
    assert_eq!(reasons[1], Cancellation::None);
    assert!(subject.row(&two, "never").await.is_none());
}

async fn every_failed_condition_of_a_transaction_is_reported(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    transact(
        subject,
        vec![one.put(key("blamed-1"), []).into(), one.put(key("blamed-2"), []).into()],
    )
    .await
    .unwrap();
    let writes = ["blamed-1", "innocent", "blamed-2"].map(|pk| one.put(key(pk), []).only_if_absent().into());
    let Err(DatabaseError::Cancelled(reasons)) = transact(subject, writes.into()).await else {
        panic!("it should have been cancelled");
    };
    let failed: Vec<bool> = reasons
        .iter()
        .map(|reason| matches!(reason, Cancellation::ConditionFailed(_)))
        .collect();
    assert_eq!(failed, [true, false, true]);
}

async fn a_repeated_token_changes_nothing_more(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let token = Environment::system().ids().next();
    let transaction = Transaction {
        token,
        writes: vec![one.update(key("token")).add("count", 1).into()],
    };
    subject.database().transact(&transaction).await.unwrap();
    subject.database().transact(&transaction).await.unwrap();
    assert_eq!(number(subject, &one, "token", "count").await, Some(1));
}

async fn updates_set_add_and_remove(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let update = one
        .update(key("update"))
        .set("a", 1)
        .set_if_absent("b", 1)
        .add("c", 5)
        .remove("d");
    let again = one.update(key("update")).set_if_absent("b", 2).add("c", -2).remove("a");
    transact(subject, vec![update.into()]).await.unwrap();
    transact(subject, vec![again.into()]).await.unwrap();
    let row = subject.row(&one, "update").await.unwrap();
    assert_eq!((row.get("a"), row.get("b")), (None, Some(&Value::from(1))));
    assert_eq!(row.get("c"), Some(&Value::from(3)));
}

async fn conditions_compare_numbers_as_numbers(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    transact(subject, vec![one.update(key("seq")).set("seq", 9).into()])
        .await
        .unwrap();
    let newer = |seq: i64| {
        one.update(key("seq"))
            .set("seq", seq)
            .only_if(Condition::less("seq", seq))
    };
    transact(subject, vec![newer(10).into()]).await.unwrap();
    assert!(matches!(
        transact(subject, vec![newer(10).into()]).await,
        Err(DatabaseError::Cancelled(_))
    ));
}

async fn a_single_write_reports_its_failed_condition(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let put: Write = one
        .put(key("single"), [("n".to_owned(), Value::from(1))])
        .only_if_absent()
        .into();
    subject.database().write(&put).await.unwrap();
    let Err(DatabaseError::Cancelled(reasons)) = subject.database().write(&put).await else {
        panic!("the second write should have been cancelled");
    };
    assert!(matches!(&reasons[..], [Cancellation::ConditionFailed(Some(row))] if row["n"] == Value::from(1)));
    subject
        .database()
        .write(&one.delete(key("single")).into())
        .await
        .unwrap();
    assert!(subject.row(&one, "single").await.is_none());
}

async fn a_missing_table_is_a_refusal(subject: &dyn DatabaseUnderTest) {
    let missing = Table::new("no-such-table");
    let result = transact(subject, vec![missing.put(key("x"), []).into()]).await;
    assert!(matches!(result, Err(DatabaseError::Misconfigured(_))), "{result:?}");
}

async fn every_kind_of_value_is_kept(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let values = [
        ("null", Value::Null),
        ("bool", Value::Bool(true)),
        ("number", Value::Number("12345678901234567890".to_owned())),
        ("bytes", Value::Bytes(vec![0, 159, 146, 150])),
        ("list", Value::List(vec![Value::from("a"), Value::from(1)])),
        ("map", Value::Map([("inner".to_owned(), Value::from("é"))].into())),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    transact(subject, vec![one.put(key("values"), values.clone()).into()])
        .await
        .unwrap();
    let row = subject.row(&one, "values").await.unwrap();
    for (name, value) in values {
        assert_eq!(row[&name], value);
    }
}

async fn a_row_is_read_by_its_key(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    transact(
        subject,
        vec![one.put(key("read"), [("n".to_owned(), Value::from(7))]).into()],
    )
    .await
    .unwrap();
    let row = subject.rows().get(&one, &key("read")).await.unwrap().unwrap();
    assert_eq!(row["n"], Value::from(7));
    assert_eq!(subject.rows().get(&one, &key("never written")).await.unwrap(), None);
    assert!(
        subject
            .rows()
            .get(&Table::new("no-such-table"), &key("x"))
            .await
            .is_err()
    );
}

/// All rows of a query's pages, and how many pages there were.
async fn rows_are_read_in_the_order_of_their_keys(subject: &dyn DatabaseUnderTest) {
    let [table, _] = subject.tables();
    assert_eq!(subject.rows().get_many(&table, &[]).await.unwrap(), []);
    // More than one request of DynamoDB takes.
    let written: Vec<String> = (0..120).map(|number| format!("many-{number}")).collect();
    for pk in &written {
        let row = table.put(key(pk), [("of".to_owned(), Value::from(pk))]);
        subject.database().write(&row.into()).await.unwrap();
    }
    let mut wanted: Vec<&str> = written.iter().rev().map(String::as_str).collect();
    // A key twice, and one without a row.
    wanted.extend(["many-7", "many-missing"]);
    let keys: Vec<Key> = wanted.iter().map(|pk| key(pk)).collect();
    let rows = subject.rows().get_many(&table, &keys).await.unwrap();
    let mut expected: Vec<Option<&str>> = wanted.iter().map(|pk| Some(*pk)).collect();
    expected[121] = None;
    let found: Vec<Option<&str>> = rows
        .iter()
        .map(|row| row.as_ref().and_then(|row| row["of"].as_str()))
        .collect();
    assert_eq!(found, expected);
}

async fn read_all(subject: &dyn DatabaseUnderTest, query: Query) -> (Vec<Item>, usize) {
    let (mut rows, mut pages, mut next) = (Vec::new(), 0, Some(query));
    while let Some(query) = next {
        let page = subject.rows().query(&query).await.unwrap();
        rows.extend(page.rows);
        pages += 1;
        next = page.next;
    }
    (rows, pages)
}

async fn a_partition_is_read_in_the_order_of_its_sort_key_page_by_page(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    let put = |stream: &str, version: u64| {
        streams
            .put(Key::new("stream", stream).and("version", version), [])
            .into()
    };
    transact(subject, (1..=12).rev().map(|version| put("s", version)).collect())
        .await
        .unwrap();
    transact(subject, vec![put("other", 5)]).await.unwrap();
    let versions = |rows: &[Item]| {
        rows.iter()
            .filter_map(|row| row["version"].as_u64())
            .collect::<Vec<_>>()
    };
    let (rows, pages) = read_all(subject, streams.query("stream", "s").rows_max(5)).await;
    assert_eq!(versions(&rows), (1..=12).collect::<Vec<_>>(), "numbers sort as numbers");
    assert!(pages >= 3);
    let (rows, _) = read_all(
        subject,
        streams.query("stream", "s").between("version", 3, 10).rows_max(3),
    )
    .await;
    assert_eq!(versions(&rows), (3..=10).collect::<Vec<_>>());
    let (rows, _) = read_all(subject, streams.query("stream", "s").backward().rows_max(5)).await;
    assert_eq!(versions(&rows), (1..=12).rev().collect::<Vec<_>>());
    assert!(read_all(subject, streams.query("stream", "nobody")).await.0.is_empty());
}

async fn a_partition_larger_than_a_page_is_not_cut(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    for version in 1..=6 {
        let blob = ("blob".to_owned(), Value::from("x".repeat(300 * 1024)));
        let put = streams.put(Key::new("stream", "large").and("version", version), [blob]);
        transact(subject, vec![put.into()]).await.unwrap();
    }
    assert_eq!(read_all(subject, streams.query("stream", "large")).await.0.len(), 6);
}

/// All rows of a scan's pages.
async fn scan_all(subject: &dyn DatabaseUnderTest, scan: Scan) -> Vec<Item> {
    let (mut rows, mut next) = (Vec::new(), Some(scan));
    while let Some(scan) = next {
        let page = subject.rows().scan(&scan).await.unwrap();
        rows.extend(page.rows);
        next = page.next;
    }
    rows
}

async fn a_scan_gives_every_row_once_page_by_page(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    let put = |version: u64, stream: &str| {
        let kind = Value::from(if version.is_multiple_of(2) { "even" } else { "odd" });
        let key = Key::new("stream", stream).and("version", version);
        streams.put(key, [("scanned".to_owned(), kind)]).into()
    };
    let names = ["scan-a", "scan-b", "scan-c"];
    let writes = (1..=11)
        .rev()
        .flat_map(|version| names.map(|stream| put(version, stream)));
    transact(subject, writes.collect()).await.unwrap();
    let ours = streams.scan().only(Condition::exists("scanned"));
    for rows_max in [1, 4, 1000] {
        let rows = scan_all(subject, ours.clone().rows_max(rows_max)).await;
        let place = |row: &Item| {
            (
                row["stream"].as_str().unwrap().to_owned(),
                row["version"].as_u64().unwrap(),
            )
        };
        let seen: BTreeSet<(String, u64)> = rows.iter().map(place).collect();
        assert_eq!((rows.len(), seen.len()), (33, 33), "{rows_max} to a page");
    }
    let odd = scan_all(subject, streams.scan().only(Condition::equals("scanned", "odd"))).await;
    assert_eq!(odd.len(), 18);
    let of_key = scan_all(subject, streams.scan().only(Condition::begins_with("stream", "scan-b"))).await;
    assert_eq!(of_key.len(), 11);
}

async fn an_index_gives_the_rows_that_have_its_key_in_its_order(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    let put = |stream: &str, timestamp: &str, mark: Option<&str>| {
        let mark = mark.map(|mark| ("pending".to_owned(), Value::from(mark)));
        let timestamp = ("timestamp".to_owned(), Value::from(timestamp));
        let row = [Some(timestamp), mark].into_iter().flatten();
        streams.put(Key::new("stream", stream).and("version", 1), row).into()
    };
    let writes = vec![
        put("i-3", "2026-03", Some("mark")),
        put("i-1", "2026-01", Some("mark")),
        put("i-2", "2026-01", Some("mark")),
        put("i-4", "2026-04", Some("mark")),
        put("i-5", "2026-01", Some("another")),
        put("i-6", "2026-01", None),
    ];
    transact(subject, writes).await.unwrap();
    let query = streams.query("pending", "mark").on_index("pending", "timestamp");
    for rows_max in [1, 2, 100] {
        let query = query
            .clone()
            .between("timestamp", "2026-01", "2026-03")
            .rows_max(rows_max);
        let patience = Patience::default();
        let look = async || read_all(subject, query.clone()).await.0;
        let rows = await_until(patience, look, |rows| rows.len() >= 3).await.unwrap();
        let of = |name: &str| -> Vec<String> {
            let text = |row: &Item| row[name].as_str().unwrap().to_owned();
            rows.iter().map(text).collect()
        };
        assert_eq!(of("timestamp"), ["2026-01", "2026-01", "2026-03"]);
        let mut streams = of("stream");
        streams.sort();
        assert_eq!(streams, ["i-1", "i-2", "i-3"], "{rows_max} to a page");
    }
}

/// One change and one condition that an embedded record of handling consists of.
fn marked(table: &Table, pk: &str, element: u8) -> Write {
    let condition = Condition::lacks("older", [element]).and(Condition::lacks("marks", [element]));
    let update = table.update(key(pk)).add("count", 1).remove("oldest");
    update.add_to_set("marks", [vec![element]]).only_if(condition).into()
}

async fn a_set_grows_and_is_looked_into_without_a_read(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let before = one
        .update(key("set"))
        .add_to_set("older", [vec![7]])
        .add_to_set("oldest", [vec![8]]);
    subject.database().write(&before.into()).await.unwrap();
    for element in [1, 2, 8] {
        subject
            .database()
            .write(&marked(&one, "set", element))
            .await
            .unwrap_or_else(|error| panic!("{element}: {error}"));
    }
    // In the set, and in the older one.
    for element in [1, 7] {
        let refused = subject.database().write(&marked(&one, "set", element)).await;
        assert!(
            matches!(refused, Err(DatabaseError::Cancelled(_))),
            "{element}: {refused:?}"
        );
    }
    assert_eq!(number(subject, &one, "set", "count").await, Some(3));
    let row = subject.rows().get(&one, &key("set")).await.unwrap().unwrap();
    let marks = Value::ByteSet([vec![1], vec![2], vec![8]].into());
    assert_eq!((row.get("marks"), row.get("oldest")), (Some(&marks), None));
    // A row that is not there lacks everything.
    subject.database().write(&marked(&one, "set-new", 1)).await.unwrap();
    assert_eq!(number(subject, &one, "set-new", "count").await, Some(1));
}

async fn a_failed_condition_on_a_set_shows_the_row_alone_and_in_a_transaction(subject: &dyn DatabaseUnderTest) {
    let [one, two] = subject.tables();
    let write = marked(&one, "set-shown", 1);
    subject.database().write(&write).await.unwrap();
    let alone = subject.database().write(&write).await;
    let together = transact(subject, vec![two.put(key("set-other"), []).into(), write]).await;
    for (place, answer) in [(0, alone), (1, together)] {
        let Err(DatabaseError::Cancelled(reasons)) = answer else {
            panic!("the copy should have been refused: {answer:?}");
        };
        let Cancellation::ConditionFailed(Some(row)) = &reasons[place] else {
            panic!("no row in {reasons:?}");
        };
        assert_eq!(row["marks"], Value::ByteSet([vec![1]].into()));
    }
}

async fn a_set_that_is_full_or_of_another_kind_is_not_added_to(subject: &dyn DatabaseUnderTest) {
    let [one, _] = subject.tables();
    let room = || Condition::absent("marks").or(Condition::fewer("marks", 2));
    let added = |element: u8| {
        let update = one.update(key("set-full")).add_to_set("marks", [vec![element]]);
        update.only_if(room()).into()
    };
    subject.database().write(&added(1)).await.unwrap();
    subject.database().write(&added(2)).await.unwrap();
    let full = subject.database().write(&added(3)).await;
    assert!(matches!(full, Err(DatabaseError::Cancelled(_))), "{full:?}");
    let text = one.update(key("set-kind")).set("marks", "a text");
    subject.database().write(&text.into()).await.unwrap();
    let refused = one.update(key("set-kind")).add_to_set("marks", [vec![1]]);
    let refused = subject.database().write(&refused.into()).await;
    assert!(matches!(refused, Err(DatabaseError::Rejected(_))), "{refused:?}");
    let row = subject.row(&one, "set-kind").await.unwrap();
    assert_eq!(row["marks"], Value::from("a text"));
}

async fn a_cleared_mark_leaves_the_index_and_brings_no_row_to_life(subject: &dyn DatabaseUnderTest) {
    let log = EventLog::new(subject.streams());
    let row_key = |stream: &str, version: u64| Key::new("stream", stream).and("version", version);
    let streams: Vec<String> = (0..60).map(|number| format!("Cleared#{number}")).collect();
    let fields = [("pending", "cleared"), ("timestamp", "2026-01"), ("event", "it stays")];
    let row = fields.map(|(name, value)| (name.to_owned(), Value::from(value)));
    let puts = streams
        .iter()
        .map(|stream| log.table().put(row_key(stream, 1), row.clone()).into());
    transact(subject, puts.collect()).await.unwrap();
    let gone = (streams[0].as_str(), 2);
    let marked: Vec<(&str, u64)> = streams
        .iter()
        .map(|stream| (stream.as_str(), 1))
        .chain([gone])
        .collect();
    subject.marks().clear(&log, &marked).await.unwrap();
    subject.marks().clear(&log, &marked).await.unwrap();
    let query = log.table().query("pending", "cleared").on_index("pending", "timestamp");
    let look = async || read_all(subject, query.clone()).await.0;
    await_until(Patience::default(), look, Vec::is_empty).await.unwrap();
    for stream in &streams {
        let row = subject
            .rows()
            .get(log.table(), &row_key(stream, 1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((row.get("pending"), row["event"].as_str()), (None, Some("it stays")));
    }
    let gone = subject.rows().get(log.table(), &row_key(gone.0, gone.1)).await.unwrap();
    assert_eq!(gone, None);
}

async fn only_the_selected_attributes_of_a_partition_are_read(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    for version in 1..=5 {
        let attributes = [("event", "e"), ("size", "s"), ("other", "o")];
        let row = attributes.map(|(name, value)| (name.to_owned(), Value::from(value)));
        let put = streams.put(Key::new("stream", "selected").and("version", version), row);
        transact(subject, vec![put.into()]).await.unwrap();
    }
    // "size" is a word of DynamoDB's own language; the sort key is left out, and the pages follow each other all the same.
    let query = streams
        .query("stream", "selected")
        .select(["size", "event"])
        .rows_max(2);
    let wanted: Item = [("event", "e"), ("size", "s")]
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .into();
    assert_eq!(read_all(subject, query).await.0, vec![wanted; 5]);
}
