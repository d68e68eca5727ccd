//! Another consumer's role in wrong hands: it does whatever it is granted, and tries what it is not.

use std::time::Duration;

use onecommit_engine::{DatabaseError, EventLog, Item, Key, Table, TableWriter, Value, Write};
use onecommit_event::{Aggregate, Event, EventId};
use onecommit_simulation::{EVENTS, LEDGER, Process};

use super::super::trips::SAGAS;
use super::attacks::{FIRST_STEP, PIVOT, command};
use super::scenario::{GENUINE, GUESTBOOK, GUESTS};

/// What a consumer called `mailer` is granted by a role as the template writes them.
#[derive(Clone, Copy)]
pub(super) struct Role {
    /// Whether its grants on shared tables name the keys that they are for (`dynamodb:LeadingKeys`).
    pub(super) is_bound_to_keys: bool,
}

impl Role {
    fn grants(self, write: &Write) -> bool {
        let key = write.key().attributes().first().and_then(|(_, value)| value.as_str());
        let is_own = |prefix: &str| !self.is_bound_to_keys || key.is_some_and(|key| key.starts_with(prefix));
        match (write.table().name(), write) {
            ("mail", _) => true,
            (LEDGER, Write::Put(_) | Write::Update(_)) => is_own("mailer#"),
            (EVENTS, Write::Put(_)) => is_own("Mail#"),
            _ => false,
        }
    }
}

/// As many writes as there are chosen misdeeds; which, how often and in what order is left to chance.
pub(super) async fn intrude(process: Process, role: Role, genuine: Event, is_chosen: Misdeeds) {
    let misdeeds: Vec<Write> = misdeeds(&genuine).into_iter().filter(is_chosen).collect();
    for turn in 0..misdeeds.len() {
        let write = &misdeeds[(turn + process.choose(misdeeds.len())) % misdeeds.len()];
        if !role.grants(write) {
            continue;
        }
        while let Err(DatabaseError::Transient(..)) = process.tables().write(write).await {
            process.environment().clock().sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Whether an intruder commits a misdeed that it could.
pub(super) type Misdeeds = fn(&Write) -> bool;

fn misdeeds(genuine: &Event) -> Vec<Write> {
    let mut writes = Vec::new();
    let events = [genuine.id(), command(FIRST_STEP), command(PIVOT)];
    for consumer in ["mailer", "services", GUESTBOOK, "orchestrator"] {
        writes.extend(events.iter().map(|id| handled(consumer, *id)));
    }
    let ledger = Table::new(LEDGER);
    let garbage = || item([("outcome", Value::from(7)), ("fingerprint", "no".into())]);
    writes.push(ledger.put(Key::new("pk", "mailer#"), garbage()).into());
    writes.push(
        ledger
            .delete(Key::new("pk", format!("services#{}", command(FIRST_STEP))))
            .into(),
    );
    writes.push(Table::new("mail").delete(Key::new("pk", "m-1")).into());
    writes.push(Table::new(GUESTS).delete(Key::new("pk", GENUINE[0].1)).into());
    writes.push(
        Table::new(SAGAS)
            .put(Key::new("sagaId", "TripSaga#t-1"), garbage())
            .into(),
    );
    // What others would say, from a stream of its own; text that is no event; and a word of its own.
    let of_others = forged("GuestNoted", ("Guestbook", "ada"));
    let streams = [
        (("Mail", "m-1"), of_others.clone()),
        (("Mail", "m-2"), "{broken".to_owned()),
        (("Mail", "m-3"), forged("Mailed", ("Mail", "m-3"))),
        (("Guestbook", "ada"), of_others),
    ];
    writes.extend(streams.into_iter().filter_map(|(stream, event)| row(stream, event)));
    writes
}

/// A row that says: this consumer has handled the event.
fn handled(consumer: &str, id: EventId) -> Write {
    let row = item([("outcome", Value::from("handled")), ("eventType", "Forged".into())]);
    Table::new(LEDGER)
        .put(Key::new("pk", format!("{consumer}#{id}")), row)
        .into()
}

fn forged(event_type: &str, aggregate: (&str, &str)) -> String {
    let event = serde_json::json!({
        "eventId": EventId::of_foreign("intruder", &format!("{event_type}/{}", aggregate.1)), "eventType": event_type,
        "aggregateType": aggregate.0, "aggregateId": aggregate.1, "timestamp": "2026-11-22T07:00:00.000Z",
        "payload": {"words": "forged in the store"},
        "metadata": {"correlationId": "i", "causationId": "i", "sequence": 1},
    });
    event.to_string()
}

fn row((kind, id): (&str, &str), event: String) -> Option<Write> {
    let stream = Aggregate::new(kind, id).ok()?;
    let row = item([
        ("event", Value::from(event)),
        (onecommit_engine::PENDING, "shard-0".into()),
    ]);
    Some(
        Table::new(EVENTS)
            .put(EventLog::key(&stream, 1), row)
            .only_if_absent()
            .into(),
    )
}

fn item<const N: usize>(fields: [(&str, Value); N]) -> Item {
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}
