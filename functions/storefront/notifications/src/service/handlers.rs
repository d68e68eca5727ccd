use futures_util::future::try_join3;
use onecommit_engine::{Atomic, CallError, CallOutcome, Commit, Failure, Guarded, SequencedUpdate, Table};
use onecommit_event::{Event, EventError, NewEvent};
use onecommit_sealing::SealError;

use crate::Notifications;
use crate::service::private::PrivateError;
use crate::service::rows::{self, Delivery, Notification, Words};
use crate::{
    Channel, CustomerNotified, Delivered, DeliveryDue, DeliveryError, NotificationId, NotificationUnchanged,
    NotifyCustomer, Parcel, Template, Traced, UserPreferencesChanged,
};

/// Decides over which channels and in which words, once per order and template; asked again, it answers again.
impl Atomic<NotifyCustomer> for Notifications {
    async fn handle(&self, event: Event<NotifyCustomer>) -> Result<Commit, Failure> {
        let asked = event.payload();
        NotificationId::check_customer(&asked.customer_id).map_err(Failure::Invalid)?;
        Template::check_name(&asked.template).map_err(|error| Failure::reject(error.to_string()))?;
        let id = NotificationId::of(&asked.order_id, &asked.template);
        let stream = id.stream().map_err(Failure::Invalid)?;
        let key = rows::notification_key(&asked.customer_id, &id);
        let preferences_key = rows::preferences_key(&asked.customer_id);
        let template_key = rows::template_key(&asked.template);
        // Side by side: three reads take as long as one.
        let (before, preferences, template) = try_join3(
            self.tables.get(&self.table, &key),
            self.tables.get(&self.table, &preferences_key),
            self.tables.get(&self.table, &template_key),
        )
        .await?;
        if let Some(row) = before {
            let decided = Notification::read(&row).map_err(unreadable)?;
            let reply = decided.unchanged().map_err(Failure::Invalid)?;
            let update = decided.after_one_event(&self.table, key);
            return Ok(Commit::of(update).append(stream, decided.stream_version, [reply]));
        }
        let preferences = self.preferences(&asked.customer_id, preferences.as_ref()).await;
        let preferences = preferences.map_err(PrivateError::into_failure)?;
        let mut decided = Notification {
            order_id: asked.order_id.clone(),
            template: asked.template.clone(),
            template_version: 0,
            words: None,
            deliveries: preferences
                .reachable()
                .map(|(channel, _)| (channel, Delivery::default()))
                .collect(),
            stream_version: 0,
            decided_at: event.timestamp().to_string(),
            is_read: false,
        };
        // Whoever wants to be left alone needs no words.
        if !decided.deliveries.is_empty() {
            let row = template.ok_or_else(|| unknown_template(&asked.template))?;
            let (template, version) = rows::template_in(&asked.template, &row).map_err(unreadable)?;
            let message = template.fill(&asked.parameters);
            let recipients = preferences.reachable();
            let words = Words {
                message: message.map_err(|error| Failure::reject(error.to_string()))?,
                recipients: recipients
                    .map(|(channel, address)| (channel, address.to_owned()))
                    .collect(),
            };
            match self.sealed_words(&asked.customer_id, &id, &words).await {
                Ok(words) => decided.words = Some(words),
                // Just now.
                Err(SealError::Forgotten { .. }) => decided.deliveries.clear(),
                Err(error) => return Err(PrivateError::from(error).into_failure()),
            }
            decided.template_version = version;
        }
        let events = decided
            .first_events(&id, &asked.customer_id)
            .map_err(Failure::Invalid)?;
        decided.stream_version = events.len() as u64;
        Ok(Commit::of(decided.first(&self.table, key)).append(stream, 0, events))
    }
}

/// One delivery, over one channel.
impl Guarded<DeliveryDue> for Notifications {
    /// The carrier's name for it.
    type Answer = String;

    async fn call(&self, event: &Event<DeliveryDue>) -> Result<String, CallError> {
        let (notification, parcel) = self.parcel(event.payload()).await.map_err(|failure| match failure {
            Failure::Reject(why) => CallError::Rejected(why),
            Failure::Invalid(error) => CallError::Rejected(error.to_string()),
            Failure::Transient(error) | Failure::Unavailable(error) => CallError::NotDone(error),
        })?;
        let handed_over = notification.deliveries.get(&parcel.channel);
        if let Some(receipt) = handed_over.and_then(|delivery| delivery.receipt.clone()) {
            return Ok(receipt);
        }
        self.courier.hand_over(&parcel).await.map_err(|error| match error {
            DeliveryError::NotSent(_) => CallError::NotDone(Box::new(error)),
            DeliveryError::Unknown(_) => CallError::Unknown(Box::new(error)),
            DeliveryError::Refused(_) => CallError::Rejected(error.to_string()),
        })
    }

    async fn probe(&self, event: &Event<DeliveryDue>) -> Result<CallOutcome<String>, Failure> {
        let (_, parcel) = self.parcel(event.payload()).await?;
        Ok(match self.courier.trace(&parcel).await? {
            Traced::HandedOver(receipt) => CallOutcome::Happened(receipt),
            Traced::Missing => CallOutcome::DidNotHappen,
            Traced::Unknown => CallOutcome::Unknown,
        })
    }

    async fn commit(&self, event: &Event<DeliveryDue>, receipt: &String) -> Result<Commit, Failure> {
        let due = event.payload();
        let id = NotificationId::named(&due.notification_id);
        let (mut notification, _) = self.parcel(due).await?;
        match notification.deliveries.get_mut(&due.channel) {
            Some(delivery) if delivery.receipt.is_none() => delivery.receipt = Some(receipt.clone()),
            _ => return Ok(Commit::nothing()),
        }
        let delivered = NewEvent::of(&Delivered {
            notification_id: due.notification_id.clone(),
            channel: due.channel,
            receipt: receipt.clone(),
        })
        .map_err(Failure::Invalid)?;
        let key = rows::notification_key(&due.customer_id, &id);
        let update = notification.after_one_event(&self.table, key);
        let stream = id.stream().map_err(Failure::Invalid)?;
        Ok(Commit::of(update).append(stream, notification.stream_version, [delivered]))
    }
}

/// What the customer prefers from now on.
pub(crate) fn preferences(table: &Table, event: &Event<UserPreferencesChanged>) -> Result<SequencedUpdate, Failure> {
    Ok(SequencedUpdate::last_value(rows::preferred(table, event)))
}

impl Notifications {
    /// The notification that a delivery belongs to, and the delivery.
    async fn parcel(&self, due: &DeliveryDue) -> Result<(Notification, Parcel), Failure> {
        let id = NotificationId::named(&due.notification_id);
        NotificationId::check_customer(&due.customer_id).map_err(Failure::Invalid)?;
        id.stream().map_err(Failure::Invalid)?;
        let key = rows::notification_key(&due.customer_id, &id);
        let row = self.tables.get(&self.table, &key).await?;
        let unknown = || Failure::reject(format!("there is no notification {id} of this customer"));
        let notification = Notification::read(&row.ok_or_else(unknown)?).map_err(unreadable)?;
        let words = self.words(&due.customer_id, &id, &notification).await;
        let words = words.map_err(|error| PrivateError::from(error).into_failure())?;
        let Some((message, recipient)) =
            words.and_then(|mut words| Some((words.message, words.recipients.remove(&due.channel)?)))
        else {
            let why = format!(
                "the notification {id} has no delivery by {}, or its customer was forgotten; delete the message",
                due.channel
            );
            return Err(Failure::reject(why));
        };
        let parcel = Parcel {
            id: format!("{id}-{}", due.channel),
            channel: due.channel,
            recipient,
            message,
        };
        Ok((notification, parcel))
    }
}

impl Notification {
    /// The answer to whoever asks again. What was decided is told once.
    fn unchanged(&self) -> Result<NewEvent, EventError> {
        NewEvent::of(&NotificationUnchanged {
            order_id: self.order_id.clone(),
            template: self.template.clone(),
        })
    }

    fn reply(&self) -> Result<NewEvent, EventError> {
        NewEvent::of(&CustomerNotified {
            order_id: self.order_id.clone(),
            template: self.template.clone(),
            channels: self.deliveries.keys().copied().collect(),
        })
    }

    fn first_events(&self, id: &NotificationId, customer_id: &str) -> Result<Vec<NewEvent>, EventError> {
        let due = |channel: &Channel| {
            NewEvent::of(&DeliveryDue {
                customer_id: customer_id.to_owned(),
                notification_id: id.to_string(),
                channel: *channel,
            })
        };
        std::iter::once(self.reply())
            .chain(self.deliveries.keys().map(due))
            .collect()
    }
}

fn unreadable(error: rows::UnreadableRow) -> Failure {
    Failure::reject(error.to_string())
}

fn unknown_template(name: &str) -> Failure {
    Failure::reject(format!(
        "there is no template {name:?}; PUT /notifications/templates/{name} makes it, then redrive this message"
    ))
}
