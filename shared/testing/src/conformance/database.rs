#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use async_trait::async_trait;
use onecommit_commit::{
    Cancellation, Condition, Database, DatabaseError, Item, Key, Query, Rows, Table, Transaction, Value, Write,
};
use onecommit_environment::Environment;

/// A database with two empty tables to try it on, both keyed by the text `pk`.
#[async_trait]
pub trait DatabaseUnderTest: Send + Sync {
    /// The database.
    fn database(&self) -> &dyn Database;
    /// The same database, for reading.
    fn rows(&self) -> &dyn Rows;
    /// The tables.
    fn tables(&self) -> [Table; 2];
    /// A third empty table, keyed by the text `stream` and the number `version`.
    fn streams(&self) -> Table;
    /// The row of `table` with this `pk`, read consistently by other means than [`Rows`].
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
    a_partition_is_read_in_the_order_of_its_sort_key_page_by_page(subject).await;
    a_partition_larger_than_a_page_is_not_cut(subject).await;
    only_the_wanted_attributes_of_a_partition_are_read(subject).await;
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
    assert!(matches!(result, Err(DatabaseError::Rejected(_))), "{result:?}");
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

async fn only_the_wanted_attributes_of_a_partition_are_read(subject: &dyn DatabaseUnderTest) {
    let streams = subject.streams();
    for version in 1..=5 {
        let attributes = [("event", "e"), ("size", "s"), ("other", "o")];
        let row = attributes.map(|(name, value)| (name.to_owned(), Value::from(value)));
        let put = streams.put(Key::new("stream", "wanted").and("version", version), row);
        transact(subject, vec![put.into()]).await.unwrap();
    }
    // "size" is a word of DynamoDB's own language; the sort key is left out, and the pages follow each other all the same.
    let query = streams.query("stream", "wanted").only(["size", "event"]).rows_max(2);
    let wanted: Item = [("event", "e"), ("size", "s")]
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .into();
    assert_eq!(read_all(subject, query).await.0, vec![wanted; 5]);
}
