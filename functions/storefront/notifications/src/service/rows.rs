//! How things lie in the table. All of a customer's is one partition: `customer#<id>` holds the row `preferences` and the
//! rows `notification#<id>`; `template#<name>` holds the row `current` and a row per version. Addresses, and what customers
//! were told, are sealed; rows of the time before that have them in clear, and stay readable.

use std::collections::{BTreeMap, BTreeSet};

use onecommit_engine::{Condition, Item, Key, Put, Table, Update, Value};
use onecommit_event::Event;
use onecommit_sealing::{Field, Sealed};
use serde::{Deserialize, Serialize};

use crate::{Channel, Contact, Draft, Message, NotificationId, Template, UserPreferencesChanged};

/// A row that this code did not write.
#[derive(Debug, thiserror::Error)]
#[error("the attribute {0} of a row is missing or invalid; check which code wrote the row")]
pub(crate) struct UnreadableRow(&'static str);

/// A notification, as decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notification {
    pub(crate) order_id: String,
    pub(crate) template: String,
    pub(crate) template_version: u64,
    /// Nothing, when nobody is told.
    pub(crate) words: Option<StoredWords>,
    pub(crate) deliveries: BTreeMap<Channel, Delivery>,
    pub(crate) stream_version: u64,
    pub(crate) decided_at: String,
    /// Whether the customer has read it, as far as they said.
    pub(crate) is_read: bool,
}

/// To whom a notification goes, in which words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words {
    pub(crate) message: Message,
    pub(crate) recipients: BTreeMap<Channel, String>,
}

/// The same as it lies in the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredWords {
    Sealed(Sealed<Words>),
    InClear(Words),
}

/// A delivery of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Delivery {
    /// In a row in clear.
    recipient: Option<String>,
    /// The carrier's name for it, once it is handed over.
    pub(crate) receipt: Option<String>,
}

pub(crate) const NOTIFICATION: &str = "notification#";
/// When a notification was decided. Only notifications have it, so that only they are in the index [`NEWEST`].
pub(crate) const DECIDED_AT: &str = "decidedAt";
/// The index of a customer's notifications by the time they were decided: keys only, which no change of a row touches.
pub(crate) const NEWEST: &str = "newest";
const READ: &str = "read";
/// The sealed attribute of a notification, and the field that it is sealed as, within [`place_of`].
const WORDS: &str = "words";
pub(crate) const WORDS_FIELD: Field = Field::named("notifications.words");
/// The sealed attribute of preferences, as it came in the event that the other attribute names.
const CONTACT: &str = "contact";
const CONTACT_EVENT: &str = "contactEvent";

/// What the words of a notification are sealed within.
pub(crate) fn place_of(customer_id: &str, id: &NotificationId) -> String {
    format!("{}/{NOTIFICATION}{id}", partition_of(customer_id))
}

pub(crate) fn partition_of(customer_id: &str) -> String {
    format!("customer#{customer_id}")
}

pub(crate) fn preferences_key(customer_id: &str) -> Key {
    Key::of_view(partition_of(customer_id), "preferences")
}

pub(crate) fn notification_key(customer_id: &str, id: &NotificationId) -> Key {
    Key::of_view(partition_of(customer_id), format!("{NOTIFICATION}{id}"))
}

pub(crate) fn template_key(name: &str) -> Key {
    Key::of_view(format!("template#{name}"), "current")
}

pub(crate) fn template_version_key(name: &str, version: u64) -> Key {
    // Ten digits, so that the order of texts is that of numbers.
    Key::of_view(format!("template#{name}"), format!("version#{version:010}"))
}

fn text(row: &Item, name: &'static str) -> Result<String, UnreadableRow> {
    let found = row.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or(UnreadableRow(name))
}

fn text_if_any(row: &Item, name: &str) -> Option<String> {
    row.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn number(row: &Item, name: &'static str) -> Result<u64, UnreadableRow> {
    row.get(name).and_then(Value::as_u64).ok_or(UnreadableRow(name))
}

fn texts(row: &Item, name: &str) -> Vec<String> {
    let Some(Value::List(values)) = row.get(name) else {
        return Vec::new();
    };
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::List(texts.into_iter().map(Value::from).collect())
}

impl Notification {
    pub(crate) fn read(row: &Item) -> Result<Self, UnreadableRow> {
        let deliveries = deliveries(row)?;
        let words = match row.get(WORDS) {
            Some(_) => Some(StoredWords::Sealed(sealed(row, WORDS)?)),
            None => words_in_clear(row, &deliveries).map(StoredWords::InClear),
        };
        Ok(Self {
            order_id: text(row, "orderId")?,
            template: text(row, "template")?,
            template_version: number(row, "templateVersion")?,
            words,
            deliveries,
            stream_version: number(row, "streamVersion")?,
            decided_at: text(row, DECIDED_AT)?,
            is_read: matches!(row.get(READ), Some(Value::Bool(true))),
        })
    }

    /// The row of a notification that nobody has decided yet.
    pub(crate) fn first(&self, table: &Table, key: Key) -> Put {
        let mut row = Item::from([
            ("orderId".to_owned(), Value::from(&self.order_id)),
            ("template".to_owned(), (&self.template).into()),
            ("templateVersion".to_owned(), self.template_version.into()),
            ("deliveries".to_owned(), self.deliveries_value()),
            ("streamVersion".to_owned(), self.stream_version.into()),
            (DECIDED_AT.to_owned(), (&self.decided_at).into()),
        ]);
        if let Some(StoredWords::Sealed(words)) = &self.words {
            row.insert(WORDS.to_owned(), sealed_value(words));
        }
        table.put(key, row).only_if_absent()
    }

    /// The change of its row after an event was appended, if nobody else appended one since it was read.
    pub(crate) fn after_one_event(&self, table: &Table, key: Key) -> Update {
        table
            .update(key)
            .set("streamVersion", self.stream_version + 1)
            .set("deliveries", self.deliveries_value())
            .only_if(Condition::equals("streamVersion", self.stream_version))
    }

    fn deliveries_value(&self) -> Value {
        let entry = |(channel, delivery): (&Channel, &Delivery)| {
            let mut fields = Item::new();
            if let Some(recipient) = &delivery.recipient {
                fields.insert("recipient".to_owned(), recipient.into());
            }
            if let Some(receipt) = &delivery.receipt {
                fields.insert("receipt".to_owned(), receipt.into());
            }
            (channel.as_str().to_owned(), Value::Map(fields))
        };
        Value::Map(self.deliveries.iter().map(entry).collect())
    }
}

fn deliveries(row: &Item) -> Result<BTreeMap<Channel, Delivery>, UnreadableRow> {
    let Some(Value::Map(entries)) = row.get("deliveries") else {
        return Err(UnreadableRow("deliveries"));
    };
    let read = |(word, fields): (&String, &Value)| {
        let channel = Channel::of(word).ok_or(UnreadableRow("deliveries"))?;
        let Value::Map(fields) = fields else {
            return Err(UnreadableRow("deliveries"));
        };
        let delivery = Delivery {
            recipient: text_if_any(fields, "recipient"),
            receipt: text_if_any(fields, "receipt"),
        };
        Ok((channel, delivery))
    };
    entries.iter().map(read).collect()
}

fn words_in_clear(row: &Item, deliveries: &BTreeMap<Channel, Delivery>) -> Option<Words> {
    let recipient = |(channel, delivery): (&Channel, &Delivery)| Some((*channel, delivery.recipient.clone()?));
    Some(Words {
        message: Message {
            subject: text_if_any(row, "subject")?,
            text: text_if_any(row, "text")?,
        },
        recipients: deliveries.iter().filter_map(recipient).collect(),
    })
}

fn sealed<T>(row: &Item, name: &'static str) -> Result<Sealed<T>, UnreadableRow> {
    serde_json::from_str(&text(row, name)?).map_err(|_| UnreadableRow(name))
}

/// A sealed value is texts only, which can always be written.
fn sealed_value<T>(sealed: &Sealed<T>) -> Value {
    serde_json::to_string(sealed).unwrap_or_default().into()
}

/// The change of a notification that is there to read, or to unread.
pub(crate) fn marked(table: &Table, key: Key, is_read: bool) -> Update {
    table
        .update(key)
        .set(READ, Value::Bool(is_read))
        .only_if(Condition::exists(DECIDED_AT))
}

/// Where a customer is reached, as it lies in the table.
pub(crate) enum StoredContact {
    /// As it came in the event of this id.
    Sealed(Sealed<Contact>, String),
    InClear(Contact),
}

/// What a customer prefers; without a row, to be left alone.
pub(crate) fn preferences_in(row: Option<&Item>) -> Result<(StoredContact, BTreeSet<Channel>), UnreadableRow> {
    let Some(row) = row else {
        return Ok((StoredContact::InClear(Contact::default()), BTreeSet::new()));
    };
    let contact = match row.get(CONTACT) {
        Some(_) => StoredContact::Sealed(sealed(row, CONTACT)?, text(row, CONTACT_EVENT)?),
        None => StoredContact::InClear(Contact {
            email: text_if_any(row, "email"),
            phone: text_if_any(row, "phone"),
            push_endpoint: text_if_any(row, "pushEndpoint"),
        }),
    };
    let channels = texts(row, "channels");
    Ok((contact, channels.iter().filter_map(|word| Channel::of(word)).collect()))
}

/// The change of a customer's preferences to what an event says. What is sealed stays so, and is nothing without the id of
/// its event.
pub(crate) fn preferred(table: &Table, event: &Event<UserPreferencesChanged>) -> Update {
    let changed = event.payload();
    let update = table
        .update(preferences_key(&changed.user_id))
        .set("channels", list(changed.channels.iter().map(String::as_str)));
    let update = match &changed.contact {
        Some(contact) => update
            .set(CONTACT, sealed_value(contact))
            .set(CONTACT_EVENT, event.id().to_string()),
        None => update.remove(CONTACT).remove(CONTACT_EVENT),
    };
    let in_clear = match &changed.contact {
        Some(_) => &Contact::default(),
        None => &changed.in_clear,
    };
    let addresses = [
        ("email", &in_clear.email),
        ("phone", &in_clear.phone),
        ("pushEndpoint", &in_clear.push_endpoint),
    ];
    addresses
        .into_iter()
        .fold(update, |update, (name, address)| match address {
            Some(address) => update.set(name, address),
            None => update.remove(name),
        })
}

/// A template in a row, with its version.
pub(crate) fn template_in(name: &str, row: &Item) -> Result<(Template, u64), UnreadableRow> {
    let draft = Draft {
        subject: text(row, "subject")?,
        text: text(row, "text")?,
        parameters: texts(row, "parameters").into_iter().collect(),
    };
    let template = Template::checked(name, draft).map_err(|_| UnreadableRow("text"))?;
    Ok((template, number(row, "version")?))
}

pub(crate) fn template_row(template: &Template, version: u64) -> Item {
    let draft = template.draft();
    Item::from([
        ("subject".to_owned(), Value::from(&draft.subject)),
        ("text".to_owned(), (&draft.text).into()),
        (
            "parameters".to_owned(),
            list(draft.parameters.iter().map(String::as_str)),
        ),
        ("version".to_owned(), version.into()),
    ])
}
