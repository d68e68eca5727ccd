//! The forms in which a message is parked: whole, or as much of it as the queue takes.

use std::borrow::Cow;

use onecommit_engine::{ParkedMessage, QueueError};
use onecommit_event::claim_check::{PayloadStore, StoreError};
use onecommit_event::transportable;
use sha2::{Digest, Sha256};

use crate::sqs::MESSAGE_BYTES_MAX;
use crate::sqs::attributes::{self, BodyNote, Named};

/// What is left of a body that leaves no room for the reason, in bytes: all but what the reason takes at most.
const TRIMMED_BYTES: usize = MESSAGE_BYTES_MAX - 8 * 1024;
/// What is left of a body that is cut, in bytes: a queue may be set to take much less than SQS does.
const CUT_BYTES: usize = 64 * 1024;

/// One form after the other is tried, until the queue takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With its body and all attributes.
    Whole,
    /// With its body in the payload store.
    Stored,
    /// With its body, and of the attributes only why it was parked.
    Bare,
    /// With all of its body but the end, and the hash of all of it.
    Trimmed,
    /// With the start of its body, and the hash of all of it.
    Cut,
}

/// A message as it is sent.
pub(crate) struct Packed {
    pub(crate) body: String,
    pub(crate) attributes: Vec<Named>,
}

impl Form {
    pub(crate) fn next(self) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::Stored),
            Self::Stored => Some(Self::Bare),
            Self::Bare => Some(Self::Trimmed),
            Self::Trimmed => Some(Self::Cut),
            Self::Cut => None,
        }
    }

    /// The message in this form; nothing, when there is none of it.
    ///
    /// # Errors
    /// When the payload store does not answer: the body may still be kept there later, and nothing has to be cut.
    pub(crate) async fn pack(
        self,
        message: &ParkedMessage<'_>,
        store: Option<&dyn PayloadStore>,
    ) -> Result<Option<Packed>, QueueError> {
        let body = message.delivery.body.as_str();
        let packed = match (self, store) {
            (Self::Whole, _) => Some(whole(message, body)),
            (Self::Stored, Some(store)) => stored(message, body, store).await?,
            (Self::Stored, None) => None,
            (Self::Bare, _) => Some(Packed {
                attributes: attributes::reason_of(message),
                ..whole(message, body)
            }),
            (Self::Trimmed, _) => (body.len() > TRIMMED_BYTES).then(|| cut(message, body, TRIMMED_BYTES)),
            (Self::Cut, _) => Some(cut(message, body, CUT_BYTES)),
        };
        Ok(packed)
    }
}

impl Packed {
    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + self.attributes.iter().map(attributes::bytes).sum::<usize>()
    }
}

fn whole(message: &ParkedMessage<'_>, body: &str) -> Packed {
    let (body, note) = match transportable(body) {
        // SQS takes no empty body.
        Cow::Borrowed("") => (" ".to_owned(), None),
        Cow::Borrowed(same) => (same.to_owned(), None),
        Cow::Owned(escaped) => (escaped, Some(note_of("escaped", body))),
    };
    Packed {
        body,
        attributes: attributes::of(message, note.as_ref()),
    }
}

async fn stored(
    message: &ParkedMessage<'_>,
    body: &str,
    store: &dyn PayloadStore,
) -> Result<Option<Packed>, QueueError> {
    let note = note_of("stored", body);
    let key = format!("claims/parked/{}", note.sha256);
    match store.put(&key, body).await {
        Ok(()) => {
            let pointer = serde_json::json!({"parkedBody": {"bucket": store.name(), "key": key}});
            Ok(Some(Packed {
                body: pointer.to_string(),
                attributes: attributes::of(message, Some(&note)),
            }))
        }
        Err(error @ StoreError::Transient(_)) => Err(QueueError::Transient(error.into())),
        Err(StoreError::Gone(_)) => Ok(None),
    }
}

fn cut(message: &ParkedMessage<'_>, body: &str, bytes: usize) -> Packed {
    let start = &body[..body.floor_char_boundary(bytes)];
    Packed {
        body: transportable(start).into_owned(),
        attributes: attributes::own_of(message, Some(&note_of("cut", body))),
    }
}

fn note_of(form: &'static str, body: &str) -> BodyNote {
    let digest = Sha256::digest(body);
    BodyNote {
        form,
        bytes: body.len(),
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
