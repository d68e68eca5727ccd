use std::fmt;

use crate::error::EventError;
use crate::transport::is_transportable;

/// Which thing an event is about: its type, `Order`, and its id, `ord_01`.
///
/// Written `Order#ord_01`, which is also the key of its stream and its FIFO message group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aggregate {
    kind: String,
    id: String,
}

/// The longest aggregate type, in bytes.
const TYPE_BYTES_MAX: usize = 128;
/// The longest aggregate id, in bytes. With its type it stays far below DynamoDB's 2048-byte partition key.
const ID_BYTES_MAX: usize = 512;

impl Aggregate {
    /// Names an aggregate.
    ///
    /// # Errors
    /// When a part is empty, too long (type 128 bytes, id 512), holds a control character, or the type holds the
    /// separator `#`.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Result<Self, EventError> {
        let (kind, id) = (kind.into(), id.into());
        check_name("aggregateType", &kind, TYPE_BYTES_MAX)?;
        check_name("aggregateId", &id, ID_BYTES_MAX)?;
        if kind.contains('#') {
            return Err(EventError::invalid(
                "aggregateType",
                "it may not contain '#', which separates it from the id",
            ));
        }
        Ok(Self { kind, id })
    }

    /// The type, for example `Order`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id, for example `ord_01`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.kind, self.id)
    }
}

/// Names end up in keys, message attributes and log lines: not empty, of bounded length, no control characters.
pub(crate) fn check_name(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EventError> {
    if text.is_empty() {
        return Err(EventError::invalid(field, "it is empty"));
    }
    check_text(field, text, bytes_max)
}

/// The same of a text that may be empty.
pub(crate) fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EventError> {
    if text.len() > bytes_max {
        return Err(EventError::invalid(
            field,
            format!("it has {} bytes; the limit is {bytes_max}", text.len()),
        ));
    }
    // Names travel as message attributes, too, which have no escapes.
    if text
        .chars()
        .any(|character| character.is_control() || !is_transportable(character))
    {
        return Err(EventError::invalid(
            field,
            "it contains a control character, or one that queues refuse",
        ));
    }
    Ok(())
}
