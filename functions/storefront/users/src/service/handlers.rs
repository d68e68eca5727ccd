use onecommit_engine::{Atomic, Commit, Failure};
use onecommit_event::{Event, NewEvent};
use onecommit_sealing::{Opened, SealError};

use crate::Users;
use crate::service::facts::{FactError, subject_of};
use crate::service::row::{Known, ReadError};
use crate::{
    CONTACT, ChangeUserPreferences, Preferences, User, UserError, UserId, UserPreferencesRefused,
    UserPreferencesUnchanged,
};

/// Answered each time it comes: with what changed, that nothing did, or why it cannot be.
impl Atomic<ChangeUserPreferences> for Users {
    async fn handle(&self, event: Event<ChangeUserPreferences>) -> Result<Commit, Failure> {
        let id = UserId::new(event.payload().user_id.as_str()).map_err(|error| Failure::reject(error.to_string()))?;
        let known = self.read(&id).await.map_err(unread)?;
        let preferences = self.preferences_in(&id, &event).await?;
        let user_id = id.to_string();
        match known.user.prefers(preferences) {
            Ok(Some(change)) => {
                let event = self.event_of(&id, &change).await.map_err(|error| match error {
                    FactError::Seal(error) => unsealed(error),
                    FactError::Event(error) => Failure::Invalid(error),
                })?;
                self.commit(&id, &known, &change.user, event).await
            }
            Ok(None) => {
                let reply = NewEvent::of(&UserPreferencesUnchanged { user_id });
                self.commit(&id, &known, &known.user, reply.map_err(Failure::Invalid)?)
                    .await
            }
            // There is no row to note the answer in.
            Err(error @ UserError::Unknown) => Err(Failure::reject(error.to_string())),
            Err(error) => {
                let reason = error.to_string();
                let reply = NewEvent::of(&UserPreferencesRefused { user_id, reason });
                self.commit(&id, &known, &known.user, reply.map_err(Failure::Invalid)?)
                    .await
            }
        }
    }
}

impl Users {
    /// What a command asks for, whether its addresses are sealed or in clear.
    async fn preferences_in(&self, id: &UserId, event: &Event<ChangeUserPreferences>) -> Result<Preferences, Failure> {
        let asked = event.payload();
        let Some(sealed) = &asked.contact else {
            return Ok(asked.preferences.clone());
        };
        if sealed.subject() != &subject_of(id).map_err(unsealed)? {
            return Err(Failure::reject("the contact was sealed for another user"));
        }
        let opened = self.sealer.open_within(CONTACT, &event.id().to_string(), sealed).await;
        match opened.map_err(unsealed)? {
            Opened::Known(contact) => Ok(Preferences {
                contact,
                channels: asked.preferences.channels.clone(),
            }),
            Opened::Forgotten { when } => Err(Failure::reject(ReadError::Forgotten(when).to_string())),
        }
    }

    async fn commit(&self, id: &UserId, known: &Known, user: &User, reply: NewEvent) -> Result<Commit, Failure> {
        let stream = id.stream().map_err(Failure::Invalid)?;
        let row = self.replace(id, known, user).await.map_err(unsealed)?;
        Ok(Commit::of(row).append(stream, known.version, [reply]))
    }
}

fn unread(error: ReadError) -> Failure {
    match error {
        ReadError::Database(error) => error.into(),
        ReadError::Seal(error) => unsealed(error),
        error => Failure::reject(error.to_string()),
    }
}

fn unsealed(error: SealError) -> Failure {
    match error.is_transient() {
        true => Failure::unavailable(error),
        false => Failure::reject(error.to_string()),
    }
}
