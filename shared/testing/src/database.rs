use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onecommit_commit::{
    Cancellation, Change, Database, DatabaseError, Item, Key, Page, Query, Rows, Table, Transaction, Value, Write,
};
use uuid::Uuid;

/// Tables in memory that behave as DynamoDB does: the same conformance suite runs on both.
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
}

#[derive(Debug)]
struct Row {
    /// The second attribute of its key, by which a query sorts.
    sort_key: Option<String>,
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
        let mut target = table.to_owned();
        key.iter().for_each(|part| target.push_str(&format!("\u{0}{part}")));
        self.lock().rows.get(&target).map(|row| row.item.clone())
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: &str) -> usize {
        let prefix = format!("{table}\u{0}");
        self.lock()
            .rows
            .keys()
            .filter(|target| target.starts_with(&prefix))
            .count()
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
        if let Some(write) = writes
            .iter()
            .find(|write| self.missing_tables.iter().any(|name| name == write.table().name()))
        {
            return Err(DatabaseError::Rejected(
                format!("ResourceNotFoundException: {}", write.table()).into(),
            ));
        }
        self.write_units += writes.len() as u64 * if token.is_some() { 2 } else { 1 };
        if let Some(landed) = token.and_then(|token| self.tokens.get(&token)) {
            return if landed == writes {
                Ok(())
            } else {
                Err(DatabaseError::Rejected("IdempotentParameterMismatchException".into()))
            };
        }
        let reasons: Vec<Cancellation> = writes.iter().map(|write| self.check(write)).collect();
        if reasons.iter().any(|reason| *reason != Cancellation::None) {
            return Err(DatabaseError::Cancelled(reasons));
        }
        writes.iter().for_each(|write| self.change(write));
        if let Some(token) = token {
            self.tokens.insert(token, writes.to_vec());
        }
        Ok(())
    }

    fn check(&self, write: &Write) -> Cancellation {
        let row = self.rows.get(&write.target()).map(|row| &row.item);
        match write.condition() {
            Some(condition) if !condition.holds(row) => Cancellation::ConditionFailed(row.cloned()),
            _ => Cancellation::None,
        }
    }

    fn change(&mut self, write: &Write) {
        let target = write.target();
        let sort_key = write.key().attributes().get(1).map(|(name, _)| name.clone());
        match write {
            Write::Put(put) => {
                self.rows.insert(
                    target,
                    Row {
                        sort_key,
                        item: put.item().clone(),
                    },
                );
            }
            Write::Delete(_) => {
                self.rows.remove(&target);
            }
            Write::Check(_) => {}
            Write::Update(update) => {
                let new = || Row {
                    sort_key,
                    item: write.key().attributes().iter().cloned().collect(),
                };
                let row = self.rows.entry(target).or_insert_with(new);
                update
                    .changes()
                    .iter()
                    .for_each(|change| apply_change(&mut row.item, change));
            }
        }
    }
}

fn apply_change(row: &mut Item, change: &Change) {
    match change {
        Change::Set(name, value) => {
            row.insert(name.clone(), value.clone());
        }
        Change::SetIfAbsent(name, value) => {
            row.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Change::Add(name, amount) => {
            let before = row.get(name).and_then(Value::as_i64).unwrap_or(0);
            row.insert(name.clone(), (before + amount.as_i64().unwrap_or(0)).into());
        }
        Change::Remove(name) => {
            row.remove(name);
        }
    }
}

#[async_trait]
impl Database for MemoryDatabase {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        // Like a network, it lets others run before it answers.
        tokio::task::yield_now().await;
        self.lock().request(Some(transaction.token), &transaction.writes)
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        tokio::task::yield_now().await;
        self.lock().request(None, std::slice::from_ref(write))
    }
}

#[async_trait]
impl Rows for MemoryDatabase {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        state.begin_read(table)?;
        Ok(state
            .rows
            .get(&Write::from(table.delete(key.clone())).target())
            .map(|row| row.item.clone()))
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        tokio::task::yield_now().await;
        let mut state = self.lock();
        state.begin_read(query.table())?;
        let prefix = format!("{}\u{0}", query.table());
        let (partition_key, partition) = query.partition();
        let in_partition = |(target, row): &(&String, &Row)| {
            target.starts_with(&prefix) && row.item.get(partition_key) == Some(partition)
        };
        let mut rows: Vec<&Row> = state
            .rows
            .iter()
            .filter(in_partition)
            .map(|(_, row)| row)
            .filter(|row| is_within(&row.item, query))
            .collect();
        rows.sort_by(|left, right| order_of(left, &right.item, query));
        if let Some(start) = query.start() {
            rows.retain(|row| order_of(row, start, query).is_gt());
        }
        let most = query.page_rows_max().map_or(usize::MAX, |most| most as usize);
        let more = rows.len() > most;
        rows.truncate(most);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| query.clone().after(row.item.clone()));
        Ok(Page {
            rows: rows.into_iter().map(|row| wanted(&row.item, query)).collect(),
            next,
        })
    }
}

impl State {
    fn begin_read(&mut self, table: &Table) -> Result<(), DatabaseError> {
        self.requests += 1;
        match self.faults.pop_front() {
            Some(fault) => Err(fault.error),
            None if self.missing_tables.iter().any(|name| name == table.name()) => Err(DatabaseError::Rejected(
                format!("ResourceNotFoundException: {table}").into(),
            )),
            None => Ok(()),
        }
    }
}

/// What a query wants of a row.
fn wanted(row: &Item, query: &Query) -> Item {
    let names = query.attributes();
    let is_wanted = |name: &String| names.is_empty() || names.contains(name);
    row.iter()
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_within(row: &Item, query: &Query) -> bool {
    query.bounds().is_none_or(|(name, least, most)| {
        row.get(name)
            .is_some_and(|value| order(value, least).is_ge() && order(value, most).is_le())
    })
}

/// How a row compares with another one of its partition, in the direction of the query.
fn order_of(row: &Row, other: &Item, query: &Query) -> std::cmp::Ordering {
    let by_sort_key = |name: &String| match (row.item.get(name), other.get(name)) {
        (Some(left), Some(right)) => order(left, right),
        _ => std::cmp::Ordering::Equal,
    };
    let ordering = row.sort_key.as_ref().map_or(std::cmp::Ordering::Equal, by_sort_key);
    if query.is_backward() {
        ordering.reverse()
    } else {
        ordering
    }
}

fn order(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => left.as_i64().cmp(&right.as_i64()),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        _ => std::cmp::Ordering::Equal,
    }
}
