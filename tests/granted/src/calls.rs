//! What requests of the ports are as calls of AWS: as the adapters write them, and as IAM looks at them.

use std::collections::BTreeSet;

use onecommit_authority::{Call, Key as ConditionKey};
use onecommit_engine::{Change, Condition, Key, Query, Table, Value, Write};
use onecommit_publish::Outgoing;

use crate::actor::Actor;
use crate::cast::Channel;
use crate::deployed::NoName;

/// A write, alone or as an entry of a transaction.
pub(crate) fn of_write(actor: &Actor, write: &Write, is_entry: bool) -> Result<Call, NoName> {
    let action = match write {
        Write::Put(_) => "dynamodb:PutItem",
        Write::Update(_) => "dynamodb:UpdateItem",
        Write::Delete(_) => "dynamodb:DeleteItem",
        Write::Check(_) => "dynamodb:ConditionCheckItem",
    };
    let mut named: BTreeSet<String> = names_of(write.key()).collect();
    match write {
        Write::Put(put) => named.extend(put.item().keys().cloned()),
        Write::Update(update) => named.extend(update.changes().iter().map(Change::attribute).map(ToOwned::to_owned)),
        Write::Delete(_) | Write::Check(_) => {}
    }
    write
        .condition()
        .iter()
        .for_each(|condition| note_names(condition, &mut named));
    let call = of_row(actor, action, write.table(), write.key())?.with(ConditionKey::Attributes, named);
    let call = match write {
        Write::Check(_) => call,
        _ => call.with(ConditionKey::ReturnValues, ["NONE"]),
    };
    Ok(if is_entry {
        call.with(ConditionKey::EnclosingOperation, ["TransactWriteItems"])
    } else {
        call
    })
}

pub(crate) fn of_get(actor: &Actor, table: &Table, key: &Key) -> Result<Call, NoName> {
    let call = of_row(actor, "dynamodb:GetItem", table, key)?;
    Ok(call.with(ConditionKey::Attributes, names_of(key)))
}

pub(crate) fn of_query(actor: &Actor, query: &Query) -> Result<Call, NoName> {
    let (table, arn) = actor.table(query.table().name())?;
    let (name, value) = query.partition();
    let (arn, leading) = match query.index() {
        Some(index) => (format!("{arn}/index/{}", actor.index(&index.name)), text_of(value)),
        None => (arn.to_owned(), actor.key(table, &text_of(value))),
    };
    let mut named: BTreeSet<String> = query.selected().iter().cloned().collect();
    named.insert(name.to_owned());
    named.extend(query.bounds().map(|(name, ..)| name.to_owned()));
    let call = Call::new("dynamodb:Query", arn).with(ConditionKey::LeadingKeys, [leading]);
    Ok(call.with(ConditionKey::Attributes, named))
}

pub(crate) fn of_scan(actor: &Actor, table: &Table) -> Result<Call, NoName> {
    let (_, arn) = actor.table(table.name())?;
    Ok(Call::new("dynamodb:Scan", arn))
}

/// The relay clears a mark: one statement for each event.
pub(crate) fn of_clearing(actor: &Actor, table: &Table, stream: &str) -> Result<Call, NoName> {
    let (table, arn) = actor.table(table.name())?;
    let call = Call::new("dynamodb:PartiQLUpdate", arn).with(ConditionKey::LeadingKeys, [actor.key(table, stream)]);
    Ok(call.with(
        ConditionKey::Attributes,
        ["stream", "version", onecommit_engine::PENDING],
    ))
}

/// What is published on a topic of the world, in one request each.
pub(crate) fn of_publishing(actor: &Actor, topic: &str, events: &[&Outgoing]) -> Result<Vec<Call>, NoName> {
    let arn = |name: &str| actor.deployed.arn(name);
    Ok(match actor.channel(topic)? {
        Channel::Queue(queue) => vec![Call::new("sqs:SendMessage", arn(queue)?)],
        Channel::Topic(topic) => vec![Call::new("sns:Publish", arn(topic)?)],
        Channel::TopicAndBus { topic, bus, source } => {
            let types: BTreeSet<&str> = events.iter().map(|event| event.event.event_type()).collect();
            let put = Call::new("events:PutEvents", arn(bus)?).with(ConditionKey::DetailType, types);
            let put = put.with(ConditionKey::EventSource, [actor.deployed.source(source)?]);
            vec![Call::new("sns:Publish", arn(topic)?), put]
        }
    })
}

/// A payload under its key.
pub(crate) fn of_payload(actor: &Actor, action: &str, bucket: &str, key: &str) -> Result<Call, NoName> {
    Ok(Call::new(action, format!("{}/{key}", actor.bucket(bucket)?)))
}

/// S3 says that there is no payload only to those who may list the bucket.
pub(crate) fn of_absence(actor: &Actor, bucket: &str) -> Result<Call, NoName> {
    Ok(Call::new("s3:ListBucket", actor.bucket(bucket)?))
}

fn of_row(actor: &Actor, action: &str, table: &Table, key: &Key) -> Result<Call, NoName> {
    let (table, arn) = actor.table(table.name())?;
    let leading = key
        .attributes()
        .first()
        .map(|(_, value)| actor.key(table, &text_of(value)));
    Ok(Call::new(action, arn).with(ConditionKey::LeadingKeys, leading))
}

fn names_of(key: &Key) -> impl Iterator<Item = String> {
    key.attributes().iter().map(|(name, _)| name.clone())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Number(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn note_names(condition: &Condition, named: &mut BTreeSet<String>) {
    match condition {
        Condition::Exists(name)
        | Condition::Absent(name)
        | Condition::Compare(name, ..)
        | Condition::BeginsWith(name, _)
        | Condition::Lacks(name, _)
        | Condition::Fewer(name, _) => {
            named.insert(name.clone());
        }
        Condition::All(conditions) | Condition::Any(conditions) => {
            conditions.iter().for_each(|condition| note_names(condition, named));
        }
    }
}
