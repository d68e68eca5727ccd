use onecommit_environment::Timestamp;

/// One delivery of a message by a queue.
///
/// Make one with `..Delivery::default()`, and it compiles with fields that are added later. Sources that name every field
/// of theirs should not compile unnoticed with a further one: this is not `#[non_exhaustive]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// The queue's id of the message.
    pub message_id: String,
    /// The receipt handle, with which this delivery is settled.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// The message attributes, to go along when the message is parked.
    pub attributes: Vec<(String, Attribute)>,
    /// The FIFO message group, whose messages keep their order. Of a standard queue's message there is none.
    pub group: Option<String>,
    /// The `MessageGroupId` of a standard queue's message: the tenant whose share of a fair queue it counts for. It
    /// says nothing about order.
    pub tenant: Option<String>,
    /// The X-Ray header that the sender attached, to go along when the message is parked.
    pub trace_header: Option<String>,
    /// How often it has been delivered, this time included.
    pub receive_count: u32,
    /// When it was sent, by the queue's clock.
    pub sent_at: Option<Timestamp>,
    /// When it was first delivered, by the queue's clock.
    pub first_received_at: Option<Timestamp>,
}

/// The attribute that says why a message was parked; one that was redriven still has it.
pub const PARKED_REASON: &str = "ParkedReason";

impl Delivery {
    /// Whether it may well have been handled before: it was delivered before, or parked and redriven.
    pub(crate) fn may_be_copy(&self) -> bool {
        self.receive_count > 1 || self.attributes.iter().any(|(name, _)| name == PARKED_REASON)
    }
}

/// The value of a message attribute with its type, for example `String`, `Number` or `Binary.png`.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text or a number.
    Text {
        /// The type, `String`, `Number`, or one of them with a suffix.
        data_type: String,
        /// The value.
        value: String,
    },
    /// Bytes, which need not be UTF-8 and are never looked into.
    Binary {
        /// The type, `Binary` or that with a suffix.
        data_type: String,
        /// The value.
        value: Vec<u8>,
    },
}
