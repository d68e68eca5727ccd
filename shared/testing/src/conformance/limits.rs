#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use onecommit_engine::{Cancellation, Condition, DatabaseError, Item, Key, Query, Table, Transaction, Value, Write};
use onecommit_environment::Environment;

use super::DatabaseUnderTest;

/// A request at one of DynamoDB's limits, or beyond it.
pub struct Limit {
    /// What is asked for.
    pub name: &'static str,
    /// The rule, as the documentation of AWS has it: pages [`CONSTRAINTS`], [`TRANSACTIONS`] and [`EXPRESSIONS`].
    pub rule: &'static str,
    is_refused: bool,
    request: fn(&Place) -> Request,
}

/// Limits of keys, names, values, items and expressions.
pub const CONSTRAINTS: &str = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html";
/// Limits of transactions.
pub const TRANSACTIONS: &str =
    "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html";
/// What expressions may say.
pub const EXPRESSIONS: &str =
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html";

/// Tables for the cases, and the name of the case, which makes rows its own.
struct Place {
    one: Table,
    two: Table,
    streams: Table,
    case: &'static str,
}

enum Request {
    /// Alone if it is one, and together.
    Writes(Vec<Write>),
    /// The first ones make rows for the others to find.
    After(Vec<Write>, Vec<Write>),
    Get(Table, Key),
    Query(Box<Query>),
}

/// Every limit. Two that follow each other are the last request that is taken and the first that is refused, where a limit
/// has such.
#[must_use]
pub fn limits_of_dynamodb() -> Vec<Limit> {
    [
        keys(),
        names(),
        numbers(),
        values(),
        updates(),
        conditions(),
        transactions(),
        reads(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Tries every limit: what DynamoDB takes is taken, what it refuses is refused and changes nothing. In the cases named by
/// `laxer` the database is known to do otherwise, alone, in a transaction or both.
///
/// # Panics
/// When the database does otherwise in another case, or does as DynamoDB in a case of `laxer`.
pub async fn limits(subject: &dyn DatabaseUnderTest, laxer: &[&str]) {
    let limits = limits_of_dynamodb();
    let unknown = laxer
        .iter()
        .find(|name| limits.iter().all(|limit| limit.name != **name));
    assert_eq!(unknown, None, "there is no such limit");
    make_tables_known(subject).await;
    let mut deviations = Vec::new();
    for limit in &limits {
        let [one, two] = subject.tables();
        let place = Place {
            one,
            two,
            streams: subject.streams(),
            case: limit.name,
        };
        let problems = tried(subject, (limit.request)(&place), limit.is_refused).await;
        let deviating = match (laxer.contains(&limit.name), problems.is_empty()) {
            (true, true) => vec!["it is named as laxer, and is not".to_owned()],
            (true, false) => Vec::new(),
            (false, _) => problems,
        };
        let described = |problem: String| format!("{} ({}): {problem}", limit.name, limit.rule);
        deviations.extend(deviating.into_iter().map(described));
    }
    assert!(deviations.is_empty(), "{deviations:#?}");
}

/// Tables in memory learn the form of their keys from their first rows.
async fn make_tables_known(subject: &dyn DatabaseUnderTest) {
    let [one, two] = subject.tables();
    let rows = [&one, &two].map(|table| table.put(Key::new("pk", "first"), []).into());
    let version = subject.streams().put(Key::new("stream", "first").and("version", 1), []);
    let writes = rows.into_iter().chain([version.into()]);
    transact(subject, writes.collect()).await.unwrap();
}

/// What is not as it should be.
async fn tried(subject: &dyn DatabaseUnderTest, request: Request, is_refused: bool) -> Vec<String> {
    let answer = match request {
        Request::Get(table, key) => subject.rows().get(&table, &key).await.map(drop),
        Request::Query(query) => subject.rows().query(&query).await.map(drop),
        Request::Writes(writes) => return written(subject, writes, is_refused).await,
        Request::After(before, writes) => {
            transact(subject, before).await.unwrap();
            return written(subject, writes, is_refused).await;
        }
    };
    judged("read", answer, is_refused).into_iter().collect()
}

async fn written(subject: &dyn DatabaseUnderTest, writes: Vec<Write>, is_refused: bool) -> Vec<String> {
    let before = rows_of(subject, &writes).await;
    let mut problems = Vec::new();
    if let [write] = &writes[..] {
        problems.extend(judged("alone", subject.database().write(write).await, is_refused));
    }
    let answer = transact(subject, writes.clone()).await;
    problems.extend(judged("in a transaction", answer, is_refused));
    if is_refused && problems.is_empty() && rows_of(subject, &writes).await != before {
        problems.push("it is refused, and changes something".to_owned());
    }
    problems
}

fn judged(how: &str, answer: Result<(), DatabaseError>, is_refused: bool) -> Option<String> {
    match answer {
        Ok(()) if is_refused => Some(format!("{how}, it is taken")),
        Err(error) if !is_refused => Some(format!("{how}, it is refused: {error:?}")),
        Err(error) if !is_for_good(&error) => Some(format!("{how}, it is not refused for good: {error:?}")),
        _ => None,
    }
}

/// A request that is refused like this is never sent again.
fn is_for_good(error: &DatabaseError) -> bool {
    let is_invalid = |reason: &Cancellation| matches!(reason, Cancellation::Invalid(_));
    match error {
        DatabaseError::Cancelled(reasons) => reasons.iter().any(is_invalid),
        error => matches!(error, DatabaseError::Rejected(_)),
    }
}

/// The rows that the writes are about, as far as their keys are any.
async fn rows_of(subject: &dyn DatabaseUnderTest, writes: &[Write]) -> Vec<Option<Item>> {
    let mut rows = Vec::new();
    for write in writes {
        rows.push(subject.rows().get(write.table(), write.key()).await.ok().flatten());
    }
    rows
}

async fn transact(subject: &dyn DatabaseUnderTest, writes: Vec<Write>) -> Result<(), DatabaseError> {
    let token = Environment::system().ids().next();
    subject.database().transact(&Transaction { token, writes }).await
}

fn taken(name: &'static str, rule: &'static str, request: fn(&Place) -> Request) -> Limit {
    Limit {
        name,
        rule,
        is_refused: false,
        request,
    }
}

fn refused(name: &'static str, rule: &'static str, request: fn(&Place) -> Request) -> Limit {
    Limit {
        is_refused: true,
        ..taken(name, rule, request)
    }
}

impl Place {
    /// The key of the case's row.
    fn key(&self) -> Key {
        Key::new("pk", self.case)
    }

    fn put(&self, attribute: &str, value: Value) -> Request {
        Request::Writes(vec![self.one.put(self.key(), [(attribute.to_owned(), value)]).into()])
    }

    fn put_number(&self, number: impl Into<String>) -> Request {
        self.put("n", Value::Number(number.into()))
    }

    fn put_key(&self, key: impl Into<Value>) -> Request {
        Request::Writes(vec![self.one.put(Key::new("pk", key), []).into()])
    }

    fn put_version(&self, version: impl Into<Value>) -> Request {
        let key = Key::new("stream", self.case).and("version", version);
        Request::Writes(vec![self.streams.put(key, []).into()])
    }

    fn check(&self, condition: Condition) -> Request {
        let row = self.one.put(self.key(), [("n".to_owned(), Value::from(1))]);
        Request::After(vec![row.into()], vec![self.one.check(self.key(), condition).into()])
    }

    /// An addition to a row that has this value.
    fn add_to(&self, value: Value, amount: i64) -> Request {
        let row = self.one.put(self.key(), [("n".to_owned(), value)]);
        let update = self.one.update(self.key()).add("n", amount);
        Request::After(vec![row.into()], vec![update.into()])
    }

    fn puts(&self, count: usize, bytes: usize) -> Request {
        let text = Value::from("x".repeat(bytes));
        let key = |number: usize| Key::new("pk", format!("{}-{number}", self.case));
        let put = |number: usize| self.one.put(key(number), [("text".to_owned(), text.clone())]).into();
        Request::Writes((0..count).map(put).collect())
    }

    /// An update of so many attributes.
    fn sets(&self, count: usize) -> Request {
        let update = (0..count).fold(self.one.update(self.key()), |update, number| {
            update.set(format!("a{number}"), 1)
        });
        Request::Writes(vec![update.into()])
    }
}

/// Lists in each other.
fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::from("x"), |inner, _| Value::List(vec![inner]))
}

fn keys() -> Vec<Limit> {
    let length = "partition keys have 1 to 2048 bytes, sort keys 1 to 1024";
    let types = "each primary key attribute is a string, a number or binary, of the type its table says";
    vec![
        refused("an empty key", length, |place| place.put_key("")),
        taken("a key of 2048 bytes", length, |place| place.put_key("k".repeat(2048))),
        refused("a key of 2049 bytes", length, |place| place.put_key("k".repeat(2049))),
        refused("a key of another type", types, |place| place.put_key(1)),
        refused("a key of no type for keys", types, |place| place.put_key(true)),
        refused("a key that lacks its sort key", types, |place| {
            Request::Writes(vec![place.streams.put(Key::new("stream", place.case), []).into()])
        }),
        refused("a key with another name", types, |place| {
            Request::Writes(vec![place.one.update(Key::new("id", place.case)).set("a", 1).into()])
        }),
        refused("a sort key that is out of range", types, |place| {
            place.put_version(Value::Number("1e126".into()))
        }),
        taken("two keys that joined would be one", types, |place| {
            let stream = |name: &str| Key::new("stream", format!("{}{name}", place.case)).and("version", 1);
            let puts = ["a", "a\u{0}", "\u{0}a", "a\u{1}1"].map(|name| place.streams.put(stream(name), []).into());
            Request::Writes(puts.into())
        }),
    ]
}

fn names() -> Vec<Limit> {
    let rule = "the name of an attribute has at least one character and less than 64 KB";
    vec![
        refused("an attribute without a name", rule, |place| {
            place.put("", Value::from(1))
        }),
        refused("a change of an attribute without a name", rule, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("", 1).into()])
        }),
        taken("an attribute named as a word of the language", rule, |place| {
            let update = place
                .one
                .update(place.key())
                .set("SET", 1)
                .set("size", 2)
                .remove("a.b[0]");
            Request::Writes(vec![update.into()])
        }),
    ]
}

fn numbers() -> Vec<Limit> {
    let rule = "numbers have up to 38 significant digits and are zero, or from 1E-130 to 9.99...E+125 in magnitude";
    vec![
        taken("a number of 38 digits", rule, |place| place.put_number("9".repeat(38))),
        refused("a number of 39 digits", rule, |place| place.put_number("9".repeat(39))),
        taken("the largest number", rule, |place| {
            place.put_number(format!("{}e88", "9".repeat(38)))
        }),
        refused("a number that is too large", rule, |place| place.put_number("1e126")),
        taken("the smallest number", rule, |place| place.put_number("-1e-130")),
        refused("a number that is too small", rule, |place| place.put_number("1e-131")),
        refused("a number that is not one", rule, |place| place.put_number("NaN")),
        refused("an empty number", rule, |place| place.put_number("")),
        refused("a number out of range within a list", rule, |place| {
            place.put("list", Value::List(vec![Value::Number("1e126".into())]))
        }),
        refused("a number out of range in a condition", rule, |place| {
            place.check(Condition::less("n", Value::Number("1e126".into())))
        }),
        taken("a whole number added to a decimal", rule, |place| {
            place.add_to(Value::Number("2.5".into()), 1)
        }),
        refused("a sum that is too large", rule, |place| {
            let largest = Value::Number(format!("{}e88", "9".repeat(38)));
            let add = place.one.update(place.key()).add("n", i64::MAX);
            let row = place.one.put(place.key(), [("n".to_owned(), largest)]);
            Request::After(vec![row.into()], vec![add.into()])
        }),
        refused("a sum of too many digits", rule, |place| {
            place.add_to(Value::Number(format!("0.{}", "7".repeat(38))), 1)
        }),
    ]
}

fn values() -> Vec<Limit> {
    let size = "an item has at most 400 KB, names of attributes included";
    let levels = "an item is up to 32 levels deep, of which it is the first itself";
    vec![
        taken("an empty text", size, |place| place.put("text", Value::from(""))),
        taken("an item of 400 KB", size, |place| {
            place.put(
                "text",
                Value::from("x".repeat(400 * 1024 - "pktext".len() - place.case.len())),
            )
        }),
        refused("an item of more than 400 KB", size, |place| {
            place.put(
                "text",
                Value::from("x".repeat(400 * 1024 + 1 - "pktext".len() - place.case.len())),
            )
        }),
        taken("an item of 400 KB under a condition", size, |place| {
            let text = Value::from("x".repeat(400 * 1024 - "pktext".len() - place.case.len()));
            let row = place.one.put(place.key(), [("text".to_owned(), text)]);
            let other = Condition::equals("other", "x".repeat(1000));
            Request::Writes(vec![row.only_if(Condition::absent("other").or(other)).into()])
        }),
        refused("a value of more than 400 KB that would not be set", size, |place| {
            let row = place.one.put(place.key(), [("text".to_owned(), Value::from("x"))]);
            let large = Value::from("x".repeat(400 * 1024 + 1));
            let update = place.one.update(place.key()).set_if_absent("text", large);
            Request::After(vec![row.into()], vec![update.into()])
        }),
        refused("a value of more than 400 KB in a condition", size, |place| {
            let large = Condition::equals("text", "x".repeat(400 * 1024 + 1));
            let update = place.one.update(place.key()).set("other", 1);
            Request::Writes(vec![update.only_if(Condition::absent("text").or(large)).into()])
        }),
        refused("an item that grows beyond 400 KB", size, |place| {
            let half = || Value::from("x".repeat(210 * 1024));
            let row = place.one.put(place.key(), [("one".to_owned(), half())]);
            let update = place.one.update(place.key()).set("other", half());
            Request::After(vec![row.into()], vec![update.into()])
        }),
        taken("lists 31 levels deep", levels, |place| place.put("list", nested(31))),
        refused("lists 32 levels deep", levels, |place| place.put("list", nested(32))),
        refused("lists 33 levels deep in an update", levels, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("list", nested(33)).into()])
        }),
    ]
}

fn updates() -> Vec<Limit> {
    let once = "an update expression names each document path once";
    let key = "an update cannot change an attribute of the primary key";
    let operand = "ADD supports numbers and sets only";
    let operators = "an expression has at most 4 KB and, in an update, 300 operators or functions";
    vec![
        refused("an attribute set twice", once, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("a", 1).set("a", 2).into()])
        }),
        refused("an attribute added to twice", once, |place| {
            Request::Writes(vec![place.one.update(place.key()).add("a", 1).add("a", 2).into()])
        }),
        refused("an attribute set and removed", once, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("a", 1).remove("a").into()])
        }),
        refused("a key set", key, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("pk", "another").into()])
        }),
        refused("a key set to what it is", key, |place| {
            Request::Writes(vec![place.one.update(place.key()).set("pk", place.case).into()])
        }),
        refused("a key removed", key, |place| {
            Request::Writes(vec![place.one.update(place.key()).remove("pk").into()])
        }),
        refused("a sort key added to", key, |place| {
            let row = Key::new("stream", place.case).and("version", 1);
            Request::Writes(vec![place.streams.update(row).add("version", 1).into()])
        }),
        refused("a number added to a text", operand, |place| {
            place.add_to(Value::from("5"), 1)
        }),
        refused("a number added to null", operand, |place| place.add_to(Value::Null, 1)),
        refused("a number added to a list", operand, |place| {
            place.add_to(Value::List(Vec::new()), 1)
        }),
        taken("250 changes in one update", operators, |place| place.sets(250)),
        refused("400 changes in one update", operators, |place| place.sets(400)),
    ]
}

fn conditions() -> Vec<Limit> {
    let operands = "<, <=, > and >= compare strings, numbers and binary";
    let empty = "an expression is not empty, nor are its parentheses";
    let size = "an expression has at most 4 KB and 300 operators or functions";
    vec![
        taken("null compared for equality", operands, |place| {
            place.check(Condition::equals("n", Value::Null).or(Condition::exists("n")))
        }),
        refused("a condition on the order of null", operands, |place| {
            place.check(Condition::less("n", Value::Null))
        }),
        refused("a condition on the order of a truth", operands, |place| {
            place.check(Condition::at_least("n", true))
        }),
        refused("a condition of nothing", empty, |place| {
            place.check(Condition::All(Vec::new()))
        }),
        taken("a condition of one part", empty, |place| {
            let one = Condition::All(vec![Condition::Any(vec![Condition::exists("n")])]);
            place.check(Condition::All(vec![one.clone(), Condition::Any(vec![one])]))
        }),
        taken("a condition of 100 parts", size, |place| {
            place.check(Condition::Any((0..100).map(|n| Condition::equals("n", n)).collect()))
        }),
        refused("a condition of 400 parts", size, |place| {
            place.check(Condition::Any((0..400).map(|n| Condition::equals("n", n)).collect()))
        }),
    ]
}

fn transactions() -> Vec<Limit> {
    let actions = "a transaction has 1 to 100 actions";
    let size = "the data of a transaction - items, keys, conditions and changes - has at most 4 MB together";
    let once = "no two actions of a transaction are about one item";
    vec![
        refused("a transaction of nothing", actions, |_| Request::Writes(Vec::new())),
        taken("a transaction of 100 actions", actions, |place| place.puts(100, 1)),
        refused("a transaction of 101 actions", actions, |place| place.puts(101, 1)),
        taken("a transaction of less than 4 MB", size, |place| {
            place.puts(10, 390 * 1024)
        }),
        refused("a transaction of more than 4 MB", size, |place| {
            place.puts(11, 390 * 1024)
        }),
        refused("conditions that make a transaction larger than 4 MB", size, |place| {
            let Request::Writes(mut writes) = place.puts(10, 390 * 1024) else {
                return Request::Writes(Vec::new());
            };
            for write in &mut writes {
                if let Write::Put(put) = write {
                    let large = Condition::equals("other", "x".repeat(30 * 1024));
                    *put = put.clone().only_if(Condition::absent("other").or(large));
                }
            }
            Request::Writes(writes)
        }),
        refused("an item twice in a transaction", once, |place| {
            let update = |name: &str| place.one.update(place.key()).set(name, 1).into();
            Request::Writes(vec![update("a"), update("b")])
        }),
        refused("an item checked and changed in a transaction", once, |place| {
            let check = place.one.check(place.key(), Condition::absent("a"));
            Request::Writes(vec![check.into(), place.one.update(place.key()).set("a", 1).into()])
        }),
        refused("an item twice by two texts of one number", once, |place| {
            let key = |version: &str| Key::new("stream", place.case).and("version", Value::Number(version.to_owned()));
            let update = |version: &str| place.streams.update(key(version)).set("a", 1).into();
            Request::Writes(vec![update("1"), update("1.0")])
        }),
        taken("one key in two tables in a transaction", once, |place| {
            let update = |table: &Table| table.update(place.key()).set("a", 1).into();
            Request::Writes(vec![update(&place.one), update(&place.two)])
        }),
    ]
}

fn reads() -> Vec<Limit> {
    let key = "keys are as their table says, and not empty";
    let between = "the upper bound of BETWEEN is not below the lower one, and of its type";
    let page = "a page has at least one row";
    vec![
        refused("a row read by an empty key", key, |place| {
            Request::Get(place.one.clone(), Key::new("pk", ""))
        }),
        refused("a row read by half of its key", key, |place| {
            Request::Get(place.streams.clone(), Key::new("stream", place.case))
        }),
        refused("a partition with an empty key", key, |place| {
            Request::Query(Box::new(place.streams.query("stream", "")))
        }),
        refused("a partition by what is not a key", key, |place| {
            Request::Query(Box::new(place.streams.query("version", 1)))
        }),
        refused("a partition of an index with an empty key", key, |place| {
            Request::Query(Box::new(
                place.streams.query("pending", "").on_index("pending", "timestamp"),
            ))
        }),
        taken("a range of one", between, |place| {
            Request::Query(Box::new(
                place.streams.query("stream", place.case).between("version", 1, 1),
            ))
        }),
        refused("a range that ends before it begins", between, |place| {
            Request::Query(Box::new(
                place.streams.query("stream", place.case).between("version", 2, 1),
            ))
        }),
        refused("a page of no rows", page, |place| {
            Request::Query(Box::new(place.streams.query("stream", place.case).rows_max(0)))
        }),
    ]
}
