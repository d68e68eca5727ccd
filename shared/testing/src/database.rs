mod changes;
mod expressions;
mod refusals;
mod rows;
mod schema;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, DatabaseError, Decimal, EventLog, Item, Key, PENDING, Page, PendingMarks, Query, Scan, Table,
    TableReader, TableWriter, Transaction, Value, Write,
};
use uuid::Uuid;

use schema::Schemas;

/// Tables in memory that behave as DynamoDB does, and refuse what it refuses: the same conformance suites run on both.
///
/// A table comes into being with its first row, whose key is from then on the form of all its keys.
#[derive(Debug, Default)]
pub struct MemoryDatabase(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Rows by table and key.
    rows: BTreeMap<String, Row>,
    /// What landed under which token.
    tokens: HashMap<Uuid, Vec<Write>>,
    faults: VecDeque<Fault>,
    requests: u64,
    write_units: u64,
    missing_tables: Vec<String>,
    schemas: Schemas,
    page_rows_max: Option<u32>,
    /// The table whose stream is kept, and what it holds.
    streamed: Option<String>,
    inserted: Vec<Item>,
    /// The rows as they were before the last request that changed any.
    before: Vec<(String, Option<Row>)>,
    /// No row's time is over before.
    earliest_ttl: Option<i64>,
}

/// Why a request is refused.
type Refusal = String;

/// What stands between a table's name and a key in [`Write::target`].
const KINDS_OF_KEYS: [char; 3] = ['\u{0}', '\u{1}', '\u{2}'];
/// The attribute that says when a row may go.
const TTL: &str = "ttl";

#[derive(Clone, Debug)]
struct Row {
    key: Key,
    item: Item,
}

#[derive(Debug)]
struct Fault {
    error: DatabaseError,
    after_landing: bool,
}

impl MemoryDatabase {
    /// The row of a table with this key.
    #[must_use]
    pub fn row(&self, table: &str, key: &[&str]) -> Option<Item> {
        let (first, others) = key.split_first()?;
        // Names of attributes do not matter here.
        let key = others
            .iter()
            .fold(Key::new("pk", *first), |key, part| key.and("sk", *part));
        let target = target_of(&Table::new(table), &key);
        self.lock().rows.get(&target).map(|row| row.item.clone())
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: &str) -> usize {
        self.lock().rows_of(&Table::new(table)).count()
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// How many write units they took, rows being smaller than 1 KB: one per row, two in a transaction, whether or not
    /// it landed.
    #[must_use]
    pub fn write_units(&self) -> u64 {
        self.lock().write_units
    }

    /// The next request fails like this, and nothing lands.
    pub fn fail_next(&self, error: DatabaseError) {
        self.lock().faults.push_back(Fault {
            error,
            after_landing: false,
        });
    }

    /// The next request lands, but its answer is lost.
    pub fn lose_next_answer(&self, error: DatabaseError) {
        self.lock().faults.push_back(Fault {
            error,
            after_landing: true,
        });
    }

    /// There is no such table.
    pub fn without_table(self, name: &str) -> Self {
        self.lock().missing_tables.push(name.to_owned());
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn request(&mut self, token: Option<Uuid>, writes: &[Write]) -> Result<(), DatabaseError> {
        self.requests += 1;
        match self.faults.pop_front() {
            None => self.apply(token, writes),
            Some(fault) if !fault.after_landing => Err(fault.error),
            Some(fault) => {
                self.apply(token, writes)?;
                Err(fault.error)
            }
        }
    }

    fn apply(&mut self, token: Option<Uuid>, writes: &[Write]) -> Result<(), DatabaseError> {
        writes.iter().try_for_each(|write| self.is_there(write.table()))?;
        self.check(token, writes).map_err(rejected)?;
        self.write_units += writes.len() as u64 * if token.is_some() { 2 } else { 1 };
        if let Some(landed) = token.and_then(|token| self.tokens.get(&token)) {
            return if landed == writes {
                Ok(())
            } else {
                Err(rejected("the token named another transaction"))
            };
        }
        let outcomes: Vec<Outcome> = writes.iter().map(|write| self.outcome(write)).collect();
        let mut reasons: Vec<Cancellation> = outcomes.iter().map(Outcome::reason).collect();
        if let (None, [Cancellation::Invalid(refusal)]) = (token, &mut reasons[..]) {
            return Err(rejected(std::mem::take(refusal)));
        }
        if reasons.iter().any(|reason| *reason != Cancellation::None) {
            return Err(DatabaseError::Cancelled(reasons));
        }
        self.before.clear();
        for (write, outcome) in writes.iter().zip(outcomes) {
            self.land(write, outcome);
        }
        if let Some(token) = token {
            self.tokens.insert(token, writes.to_vec());
        }
        Ok(())
    }

    /// What DynamoDB sees before it looks at any row.
    fn check(&self, token: Option<Uuid>, writes: &[Write]) -> Result<(), Refusal> {
        match token {
            Some(_) => refusals::of_transaction(writes)?,
            None => writes.iter().try_for_each(refusals::of_write)?,
        }
        writes
            .iter()
            .try_for_each(|write| self.schemas.check(write.table(), write.key()))
    }

    fn is_there(&self, table: &Table) -> Result<(), DatabaseError> {
        match self.missing_tables.iter().any(|name| name == table.name()) {
            true => Err(DatabaseError::Misconfigured(
                format!("ResourceNotFoundException: {table}").into(),
            )),
            false => Ok(()),
        }
    }

    fn outcome(&self, write: &Write) -> Outcome {
        let row = self.rows.get(&write.target()).map(|row| &row.item);
        match write.condition() {
            Some(condition) if !condition.holds(row) => Outcome::Cancelled(Cancellation::ConditionFailed(row.cloned())),
            _ => match changes::after(write, row) {
                Ok(row) => Outcome::Row(row),
                Err(refusal) => Outcome::Cancelled(Cancellation::Invalid(refusal)),
            },
        }
    }

    fn land(&mut self, write: &Write, outcome: Outcome) {
        let (Outcome::Row(item), target) = (outcome, write.target()) else {
            return;
        };
        self.before.push((target.clone(), self.rows.get(&target).cloned()));
        let Some(item) = item else {
            self.rows.remove(&target);
            return;
        };
        if let Write::Put(_) = write {
            let is_streamed = self.streamed.as_deref() == Some(write.table().name());
            if is_streamed && !self.rows.contains_key(&target) {
                self.inserted.push(item.clone());
            }
        }
        let ttl = item.get(TTL).and_then(Value::as_i64);
        self.earliest_ttl = self.earliest_ttl.into_iter().chain(ttl).min();
        let key = write.key().clone();
        self.schemas.learn(write.table(), &key);
        self.rows.insert(target, Row { key, item });
    }
}

/// The most rows of one batch read.
const BATCH_ROWS_MAX: usize = 100;

/// What becomes of a write.
enum Outcome {
    /// The row is this from now on; `None` is a row that is not there.
    Row(Option<Item>),
    Cancelled(Cancellation),
}

impl Outcome {
    fn reason(&self) -> Cancellation {
        match self {
            Self::Row(_) => Cancellation::None,
            Self::Cancelled(reason) => reason.clone(),
        }
    }
}

fn rejected(refusal: impl Into<Refusal>) -> DatabaseError {
    DatabaseError::Rejected(refusal.into().into())
}

fn target_of(table: &Table, key: &Key) -> String {
    Write::from(table.delete(key.clone())).target()
}

#[async_trait]
impl TableWriter for MemoryDatabase {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        // Like a network, it lets others run before it answers.
        tokio::task::yield_now().await;
        self.transact_now(transaction)
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        tokio::task::yield_now().await;
        self.write_now(write)
    }
}

#[async_trait]
impl TableReader for MemoryDatabase {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        tokio::task::yield_now().await;
        self.get_now(table, key)
    }

    async fn get_all(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        tokio::task::yield_now().await;
        self.get_all_now(table, keys)
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        tokio::task::yield_now().await;
        self.query_now(query)
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        tokio::task::yield_now().await;
        self.scan_now(scan)
    }
}

#[async_trait]
impl PendingMarks for MemoryDatabase {
    async fn clear(&self, log: &EventLog, events: &[(&str, u64)]) -> Result<(), DatabaseError> {
        tokio::task::yield_now().await;
        self.clear_now(log, events.iter().copied())
    }
}

/// What a request does, without the network around it: the simulation decides when and whether it happens.
impl MemoryDatabase {
    pub(crate) fn transact_now(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.lock().request(Some(transaction.token), &transaction.writes)
    }

    pub(crate) fn write_now(&self, write: &Write) -> Result<(), DatabaseError> {
        self.lock().request(None, std::slice::from_ref(write))
    }

    pub(crate) fn get_now(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        let mut state = self.lock();
        state.begin_read(table)?;
        refusals::of_key(key).map_err(rejected)?;
        state.schemas.check(table, key).map_err(rejected)?;
        Ok(state.rows.get(&target_of(table, key)).map(|row| row.item.clone()))
    }

    /// One request for up to a hundred rows, as DynamoDB has it.
    fn get_all_now(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        let mut state = self.lock();
        for _ in keys.chunks(BATCH_ROWS_MAX) {
            state.begin_read(table)?;
        }
        for key in keys {
            refusals::of_key(key).map_err(rejected)?;
            state.schemas.check(table, key).map_err(rejected)?;
        }
        let row_of = |key| state.rows.get(&target_of(table, key)).map(|row| row.item.clone());
        Ok(keys.iter().map(row_of).collect())
    }

    pub(crate) fn query_now(&self, query: &Query) -> Result<Page, DatabaseError> {
        let mut state = self.lock();
        state.begin_read(query.table())?;
        refusals::of_query(query).map_err(rejected)?;
        state.schemas.check_query(query).map_err(rejected)?;
        let (partition_key, partition) = query.partition();
        let mut rows: Vec<&Row> = state
            .rows_of(query.table())
            .filter(|row| is_in(&row.item, partition_key, partition) && is_within(&row.item, query))
            .collect();
        let place_of = |row: &Item, key: &Key| match query.index() {
            // Rows of one sort key still need an order, or the next page could not tell where the last one ended.
            Some(index) => [vec![row.get(&index.sort_key).cloned()], key_in(row, key)].concat(),
            None => key_in(row, key),
        };
        rows.retain(|row| query.index().is_none_or(|index| row.item.contains_key(&index.sort_key)));
        let order = |left: &[Option<Value>], right: &[Option<Value>]| {
            let ascending = order_of_places(left, right);
            if query.is_backward() {
                ascending.reverse()
            } else {
                ascending
            }
        };
        rows.sort_by(|left, right| order(&place_of(&left.item, &left.key), &place_of(&right.item, &right.key)));
        if let Some(start) = query.start() {
            rows.retain(|row| order(&place_of(&row.item, &row.key), &place_of(start, &row.key)).is_gt());
        }
        let (rows, more) = first_page(rows, state.page_rows(query.page_rows_max()));
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| query.clone().after((*row).clone()));
        let rows = rows.into_iter().map(|row| selected(row, query)).collect();
        Ok(Page { rows, next })
    }

    /// What an index shows that has not caught up with the last request.
    pub(crate) fn query_behind_now(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.lock().swap_with_before();
        let page = self.query_now(query);
        self.lock().swap_with_before();
        page
    }

    pub(crate) fn scan_now(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        let mut state = self.lock();
        state.begin_read(scan.table())?;
        refusals::of_page(scan.page_rows_max()).map_err(rejected)?;
        // In the order of the keys as texts, version 10 before version 2: DynamoDB promises no order either.
        let mut rows: Vec<&Row> = state.rows_of(scan.table()).collect();
        if let Some(start) = scan.start() {
            let place_of = |row: &Item, key: &Key| key_in(row, key).into_iter().map(text_of).collect::<Vec<_>>();
            rows.retain(|row| place_of(&row.item, &row.key) > place_of(start, &row.key));
        }
        let (mut rows, more) = first_page(rows, state.page_rows(scan.page_rows_max()));
        let next = rows.last().filter(|_| more).map(|row| scan.clone().after(row.clone()));
        rows.retain(|row| scan.wanted().is_none_or(|wanted| wanted.holds(Some(row))));
        Ok(Page { rows, next })
    }

    pub(crate) fn clear_now<'a>(
        &self,
        log: &EventLog,
        events: impl Iterator<Item = (&'a str, u64)>,
    ) -> Result<(), DatabaseError> {
        let mut state = self.lock();
        state.begin_read(log.table())?;
        state.before.clear();
        for (stream, version) in events {
            let key = Key::new("stream", stream).and("version", version);
            let target = target_of(log.table(), &key);
            let before = state.rows.get(&target).cloned();
            state.before.push((target.clone(), before));
            if let Some(row) = state.rows.get_mut(&target) {
                row.item.remove(PENDING);
            }
        }
        Ok(())
    }

    /// From now on no page has more rows than this, as if each row were large.
    pub fn end_pages_after(&self, rows: u32) {
        self.lock().page_rows_max = Some(rows);
    }

    /// Rows whose `ttl`, in seconds since 1970, is over are gone, as DynamoDB's time to live has it.
    pub fn expire(&self, now_seconds: i64) {
        let mut state = self.lock();
        if state.earliest_ttl.is_none_or(|earliest| earliest >= now_seconds) {
            return;
        }
        let ttl = |row: &Row| row.item.get(TTL).and_then(Value::as_i64);
        state
            .rows
            .retain(|_, row| ttl(row).is_none_or(|ttl| ttl >= now_seconds));
        state.earliest_ttl = state.rows.values().filter_map(ttl).min();
    }

    /// From now on it keeps what is inserted into this table, for [`MemoryDatabase::take_inserted`].
    pub(crate) fn stream_of(&self, table: &str) {
        self.lock().streamed = Some(table.to_owned());
    }

    /// The rows that were inserted into the streamed table since the last call, in their order.
    pub(crate) fn take_inserted(&self) -> Vec<Item> {
        std::mem::take(&mut self.lock().inserted)
    }

    /// All rows of all tables, by table.
    #[must_use]
    pub fn dump(&self) -> BTreeMap<String, Vec<Item>> {
        let mut tables: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (target, row) in &self.lock().rows {
            let table = target.split(KINDS_OF_KEYS).next().unwrap_or_default();
            tables.entry(table.to_owned()).or_default().push(row.item.clone());
        }
        tables
    }
}

impl State {
    /// The last request has not happened; or, called again, it has.
    fn swap_with_before(&mut self) {
        for (target, row) in &mut self.before {
            let now = match row.take() {
                Some(row) => self.rows.insert(target.clone(), row),
                None => self.rows.remove(target),
            };
            *row = now;
        }
    }

    fn page_rows(&self, asked: Option<u32>) -> Option<u32> {
        asked.into_iter().chain(self.page_rows_max).min()
    }

    fn rows_of(&self, table: &Table) -> impl Iterator<Item = &Row> {
        let table = table.name().to_owned();
        self.rows
            .range(table.clone()..)
            .take_while(move |(target, _)| target.split(KINDS_OF_KEYS).next() == Some(&table))
            .map(|(_, row)| row)
    }
}

/// The values of the key's attributes in a row.
fn key_in(row: &Item, key: &Key) -> Vec<Option<Value>> {
    key.attributes()
        .iter()
        .map(|(name, _)| row.get(name).cloned())
        .collect()
}

fn text_of(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text) | Value::Number(text)) => text,
        _ => String::new(),
    }
}

fn first_page(rows: Vec<&Row>, most: Option<u32>) -> (Vec<Item>, bool) {
    let most = most.map_or(usize::MAX, |most| most as usize);
    let more = rows.len() > most;
    (rows.into_iter().take(most).map(|row| row.item.clone()).collect(), more)
}

impl State {
    fn begin_read(&mut self, table: &Table) -> Result<(), DatabaseError> {
        self.requests += 1;
        match self.faults.pop_front() {
            Some(fault) => Err(fault.error),
            None => self.is_there(table),
        }
    }
}

/// What a query selects of a row.
fn selected(mut row: Item, query: &Query) -> Item {
    let names = query.selected();
    row.retain(|name, _| names.is_empty() || names.contains(name));
    row
}

fn is_in(row: &Item, partition_key: &str, partition: &Value) -> bool {
    row.get(partition_key)
        .is_some_and(|value| order(value, partition) == Some(Ordering::Equal))
}

fn is_within(row: &Item, query: &Query) -> bool {
    query.bounds().is_none_or(|(name, least, most)| {
        row.get(name).is_some_and(|value| {
            order(value, least).is_some_and(Ordering::is_ge) && order(value, most).is_some_and(Ordering::is_le)
        })
    })
}

fn order_of_places(left: &[Option<Value>], right: &[Option<Value>]) -> Ordering {
    let mut differing = left.iter().zip(right).map(|(left, right)| match (left, right) {
        (Some(left), Some(right)) => order(left, right).unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    });
    differing.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// The order of two values of one type of key.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            Some(Decimal::parse(left).ok()?.cmp(&Decimal::parse(right).ok()?))
        }
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
