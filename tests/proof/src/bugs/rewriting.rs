//! What sabotages look for in writes and deliveries, and how they change them.

use std::ops::Range;

use onecommit_engine::{
    Cancellation, Change, Condition, DatabaseError, Deadline, Delivery, Key, RetryReason, Table, Update, Value,
    Verdict, Write,
};
use onecommit_event::{Event, Received};
use onecommit_simulation::{BatchHandler, LEDGER, Sabotage};

/// Of a process that a bug is not in.
pub(super) struct Untouched;

impl Sabotage for Untouched {}

/// The same whatever holds. A mere check cannot be: it stays as it is.
pub(super) fn unconditional(write: Write) -> Write {
    rebuilt(write, None)
}

/// The same under another condition.
pub(super) fn only_if(write: Write, condition: Condition) -> Write {
    rebuilt(write, Some(condition))
}

fn rebuilt(write: Write, condition: Option<Condition>) -> Write {
    let (table, key) = (write.table().clone(), write.key().clone());
    match write {
        Write::Put(put) => {
            let put = table.put(key, put.item().clone());
            condition
                .map_or_else(|| put.clone(), |condition| put.clone().only_if(condition))
                .into()
        }
        Write::Update(update) => {
            let update = changed(table.update(key), update.changes());
            condition
                .map_or_else(|| update.clone(), |condition| update.clone().only_if(condition))
                .into()
        }
        Write::Delete(_) => {
            let delete = table.delete(key);
            condition
                .map_or_else(|| delete.clone(), |condition| delete.clone().only_if(condition))
                .into()
        }
        Write::Check(check) => condition.map_or_else(|| check.into(), |condition| table.check(key, condition).into()),
    }
}

fn changed(update: Update, changes: &[Change]) -> Update {
    changes.iter().cloned().fold(update, |update, change| match change {
        Change::Set(name, value) => update.set(name, value),
        Change::SetIfAbsent(name, value) => update.set_if_absent(name, value),
        Change::Add(name, Value::ByteSet(elements)) => update.add_to_set(name, elements),
        Change::Add(name, amount) => update.add(name, amount.as_i64().unwrap_or(0)),
        Change::Remove(name) => update.remove(name),
    })
}

/// An update whose changes are altered or left out; another write stays as it is.
pub(super) fn with_changes(write: Write, alter: impl FnMut(Change) -> Option<Change>) -> Write {
    let Write::Update(update) = &write else { return write };
    let changes: Vec<Change> = update.changes().iter().cloned().filter_map(alter).collect();
    let altered = changed(write.table().update(write.key().clone()), &changes);
    match write.condition() {
        Some(condition) => altered.only_if(condition.clone()).into(),
        None => altered.into(),
    }
}

/// What an update sets an attribute to, if it does.
pub(super) fn set_by<'a>(write: &'a Write, attribute: &str) -> Option<&'a Value> {
    let Write::Update(update) = write else { return None };
    update.changes().iter().find_map(|change| match change {
        Change::Set(name, value) if name == attribute => Some(value),
        _ => None,
    })
}

/// Whether a write touches this table.
pub(super) fn is_of(write: &Write, table: &str) -> bool {
    write.table().name() == table
}

/// Whether a write is the ledger's record that a message was handled: the claim of a commit.
pub(super) fn is_record(write: &Write) -> bool {
    matches!(write, Write::Put(put) if is_of(write, LEDGER) && is_text(put.item().get("outcome"), "handled"))
}

/// Whether a write only asks the ledger whether a message was handled.
pub(super) fn is_look_up(write: &Write) -> bool {
    matches!(write, Write::Update(update) if is_of(write, LEDGER) && update.changes().is_empty())
}

pub(super) fn is_text(value: Option<&Value>, text: &str) -> bool {
    value.and_then(Value::as_str) == Some(text)
}

pub(super) fn is_failed(reason: &Cancellation) -> bool {
    matches!(reason, Cancellation::ConditionFailed(_))
}

/// The writes of each message among those of a transaction: each begins with its claim, a row of the ledger.
pub(super) fn units(writes: &[Write]) -> Vec<Range<usize>> {
    let claims = (0..writes.len()).filter(|place| is_of(&writes[*place], LEDGER));
    let claims: Vec<usize> = claims.collect();
    let ends = claims.iter().skip(1).copied().chain([writes.len()]);
    claims
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

/// What a transaction was answered of which some writes were kept back, as if it had been sent whole.
pub(super) fn at_their_places(answer: Result<(), DatabaseError>, is_sent: &[bool]) -> Result<(), DatabaseError> {
    let Err(DatabaseError::Cancelled(reasons)) = answer else {
        return answer;
    };
    let mut reasons = reasons.into_iter();
    let mut reason_of = |is_sent: &bool| is_sent.then(|| reasons.next()).flatten();
    let all = is_sent
        .iter()
        .map(|is_sent| reason_of(is_sent).unwrap_or(Cancellation::None));
    Err(DatabaseError::Cancelled(all.collect()))
}

/// The event in a delivery.
pub(super) fn event_in(delivery: &Delivery) -> Option<Event> {
    Received::from_body(&delivery.body).ok().map(|received| received.event)
}

/// The key of the ledger's row for a delivery.
pub(super) fn ledger_key(consumer: &str, delivery: &Delivery) -> Option<Key> {
    event_in(delivery).map(|event| Key::new("pk", format!("{consumer}#{}", event.id())))
}

/// The ledger.
pub(super) fn ledger() -> Table {
    Table::new(LEDGER)
}

/// The handler's verdicts on deliveries that are not decided yet.
pub(super) async fn verdicts_on_the_rest(
    handler: &dyn BatchHandler,
    deliveries: &[Delivery],
    deadline: Deadline,
    decided: Vec<Option<Verdict>>,
) -> Vec<Verdict> {
    let rest = deliveries.iter().zip(&decided).filter(|(_, decided)| decided.is_none());
    let rest: Vec<Delivery> = rest.map(|(delivery, _)| delivery.clone()).collect();
    let mut verdicts = handler.handle(&rest, deadline).await.into_iter();
    let verdict = |decided: Option<Verdict>| decided.or_else(|| verdicts.next());
    decided
        .into_iter()
        .map(verdict)
        .map(|verdict| verdict.unwrap_or_else(not_handled))
        .collect()
}

pub(super) fn not_handled() -> Verdict {
    Verdict::Retry {
        after: std::time::Duration::ZERO,
        reason: RetryReason::HeldBack,
        error: "a message before it comes first".to_owned(),
    }
}
