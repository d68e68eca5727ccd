//! How things lie in the table. All of a customer's is one partition: `customer#<id>` holds the row `preferences` and the
//! rows `notification#<id>`; `template#<name>` holds the row `current` and a row per version.

use std::collections::BTreeMap;

use onecommit_commit::{Condition, Item, Key, Put, Table, Update, Value};
use onecommit_domain_notifications::{
    Channel, Draft, Message, NotificationId, Preferences, Template, UserPreferencesChanged,
};

/// A row that this code did not write.
#[derive(Debug, thiserror::Error)]
#[error("the attribute {0} of a row is missing or not as it should be; was the row written by other code?")]
pub(crate) struct UnreadableRow(&'static str);

/// A notification, as decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notification {
    pub(crate) order_id: String,
    pub(crate) template: String,
    pub(crate) template_version: u64,
    pub(crate) message: Option<Message>,
    pub(crate) deliveries: BTreeMap<Channel, Delivery>,
    pub(crate) stream_version: u64,
    pub(crate) decided_at: String,
}

/// A delivery of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) recipient: String,
    /// The carrier's name for it, once it is handed over.
    pub(crate) receipt: Option<String>,
}

pub(crate) const NOTIFICATION: &str = "notification#";

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
        let message = match (text_if_any(row, "subject"), text_if_any(row, "text")) {
            (Some(subject), Some(text)) => Some(Message { subject, text }),
            _ => None,
        };
        Ok(Self {
            order_id: text(row, "orderId")?,
            template: text(row, "template")?,
            template_version: number(row, "templateVersion")?,
            message,
            deliveries: deliveries(row)?,
            stream_version: number(row, "streamVersion")?,
            decided_at: text(row, "decidedAt")?,
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
            ("decidedAt".to_owned(), (&self.decided_at).into()),
        ]);
        if let Some(message) = &self.message {
            row.insert("subject".to_owned(), (&message.subject).into());
            row.insert("text".to_owned(), (&message.text).into());
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
            let mut fields = Item::from([("recipient".to_owned(), Value::from(&delivery.recipient))]);
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
            recipient: text(fields, "recipient")?,
            receipt: text_if_any(fields, "receipt"),
        };
        Ok((channel, delivery))
    };
    entries.iter().map(read).collect()
}

/// What a customer prefers; without a row, to be left alone.
pub(crate) fn preferences_in(row: Option<&Item>) -> Preferences {
    let Some(row) = row else {
        return Preferences::default();
    };
    Preferences {
        email: text_if_any(row, "email"),
        phone: text_if_any(row, "phone"),
        push_endpoint: text_if_any(row, "pushEndpoint"),
        channels: texts(row, "channels")
            .iter()
            .filter_map(|word| Channel::of(word))
            .collect(),
    }
}

/// The change of a customer's preferences to what an event says.
pub(crate) fn preferred(table: &Table, changed: &UserPreferencesChanged) -> Update {
    let update = table
        .update(preferences_key(&changed.user_id))
        .set("channels", list(changed.channels.iter().map(String::as_str)));
    let addresses = [
        ("email", &changed.email),
        ("phone", &changed.phone),
        ("pushEndpoint", &changed.push_endpoint),
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
