//! What is sealed about customers: opened for those who tell them something, and for nobody once they are forgotten.

use onecommit_engine::{Failure, Item};
use onecommit_sealing::{Opened, SealError};

use crate::Notifications;
use crate::service::rows::{self, Notification, StoredContact, StoredWords, UnreadableRow, WORDS_FIELD, Words};
use crate::{CONTACT, Contact, NotificationId, Preferences, subject_of};

/// Why something about a customer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateError {
    #[error(transparent)]
    Row(#[from] UnreadableRow),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the sealed data belongs to another customer")]
    OfAnother,
}

impl PrivateError {
    /// What becomes of the message that asked for it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Seal(error) if error.is_transient() => Failure::unavailable(error),
            error => Failure::reject(error.to_string()),
        }
    }
}

impl Notifications {
    /// How a customer wants to be reached; who was forgotten is left alone.
    pub(crate) async fn preferences(&self, customer_id: &str, row: Option<&Item>) -> Result<Preferences, PrivateError> {
        let (stored, channels) = rows::preferences_in(row)?;
        let contact = match stored {
            StoredContact::InClear(contact) => contact,
            StoredContact::Sealed(sealed, event_id) => {
                if sealed.subject() != &subject_of(customer_id).map_err(SealError::from)? {
                    return Err(PrivateError::OfAnother);
                }
                match self.sealer.open_within(CONTACT, &event_id, &sealed).await? {
                    Opened::Known(contact) => contact,
                    Opened::Forgotten { .. } => Contact::default(),
                }
            }
        };
        Ok(Preferences { contact, channels })
    }

    /// To whom a notification went, in which words; nothing, when nobody was told or they were forgotten.
    pub(crate) async fn words(
        &self,
        customer_id: &str,
        id: &NotificationId,
        notification: &Notification,
    ) -> Result<Option<Words>, SealError> {
        match &notification.words {
            None => Ok(None),
            Some(StoredWords::InClear(words)) => Ok(Some(words.clone())),
            Some(StoredWords::Sealed(sealed)) => {
                let place = rows::place_of(customer_id, id);
                Ok(self.sealer.open_within(WORDS_FIELD, &place, sealed).await?.known())
            }
        }
    }

    pub(crate) async fn sealed_words(
        &self,
        customer_id: &str,
        id: &NotificationId,
        words: &Words,
    ) -> Result<StoredWords, SealError> {
        let (subject, place) = (subject_of(customer_id)?, rows::place_of(customer_id, id));
        let sealed = self.sealer.seal_within(&subject, WORDS_FIELD, &place, words).await?;
        Ok(StoredWords::Sealed(sealed))
    }
}
