//! What happened to users, as events, with what users tell of themselves sealed in them.

use onecommit_event::{EventError, EventId, NewEvent};
use onecommit_sealing::{SealError, Sealed, Subject};

use crate::Users;
use crate::{
    CONTACT, PROFILE, UserChange, UserFact, UserId, UserPreferencesChanged, UserProfileChanged, UserRegistered,
};

/// Why a change of a user did not become an event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Event(#[from] EventError),
}

impl Users {
    /// The event of a change. It has its id already: what is sealed in it opens in no other event.
    pub(crate) async fn event_of(&self, id: &UserId, change: &UserChange) -> Result<NewEvent, FactError> {
        let event_id = EventId::new(&self.environment);
        let (subject, user_id) = (subject_of(id)?, id.to_string());
        let within = event_id.to_string();
        let profile = async || -> Result<Sealed<_>, SealError> {
            let profile = change.user.profile.clone().unwrap_or_default();
            self.sealer.seal_within(&subject, PROFILE, &within, &profile).await
        };
        let event = match change.fact {
            UserFact::Registered => NewEvent::of(&UserRegistered {
                user_id,
                profile: profile().await?,
            }),
            UserFact::ProfileChanged => NewEvent::of(&UserProfileChanged {
                user_id,
                profile: profile().await?,
            }),
            UserFact::PreferencesChanged => {
                let preferences = &change.user.preferences;
                let contact = self
                    .sealer
                    .seal_within(&subject, CONTACT, &within, &preferences.contact);
                NewEvent::of(&UserPreferencesChanged {
                    user_id,
                    contact: contact.await?,
                    channels: preferences.channels.clone(),
                })
            }
        };
        Ok(event?.with_id(event_id))
    }
}

pub(crate) fn subject_of(id: &UserId) -> Result<Subject, SealError> {
    Ok(id.subject()?)
}
