//! What SQS and SNS take beside a message's body: the same rules hold for both.

use onecommit_event::is_transportable;
use sha2::{Digest, Sha256};

/// The longest FIFO message group id and deduplication id, in characters.
const FIFO_ID_CHARACTERS_MAX: usize = 128;
/// The longest name of a message attribute, in characters.
const NAME_CHARACTERS_MAX: usize = 256;

/// A text as a FIFO message group id or deduplication id: letters, digits and ASCII punctuation, 128 of them. What does
/// not fit is hashed, so that one text is still one id.
#[must_use]
pub fn fifo_id(text: &str) -> String {
    let fits = (1..=FIFO_ID_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return text.to_owned();
    }
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a message attribute of this name and text is taken; one that is not costs the whole message.
#[must_use]
pub fn is_attribute(name: &str, text: &str) -> bool {
    is_attribute_name(name) && !text.is_empty() && text.chars().all(is_transportable)
}

/// Whether a message attribute may have this name
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>).
#[must_use]
pub fn is_attribute_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let lower = name.to_ascii_lowercase();
    (1..=NAME_CHARACTERS_MAX).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_fifo_id_is_hashed() {
        assert_eq!(fifo_id("Order#ord_01"), "Order#ord_01");
        let odd = fifo_id("Order#ord 01");
        assert!(odd.len() == 64 && odd == fifo_id("Order#ord 01"));
        assert_eq!(fifo_id(&"x".repeat(129)).len(), 64);
        assert_eq!(fifo_id("").len(), 64);
    }

    #[test]
    fn attributes_that_cost_the_message_are_known() {
        assert!(is_attribute("EventType", "ParcelShipped") && is_attribute("a-b.c_1", "é\n"));
        let refused = [
            ("", "x"),
            ("a b", "x"),
            ("aws.x", "x"),
            ("Amazon.x", "x"),
            (".a", "x"),
            ("a..b", "x"),
            ("a", ""),
            ("a", "\u{0}"),
            ("a", "\u{FFFF}"),
        ];
        for (name, text) in refused {
            assert!(!is_attribute(name, text), "{name:?} {text:?}");
        }
        assert!(!is_attribute(&"n".repeat(257), "x"));
    }
}
