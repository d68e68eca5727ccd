use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character escaped that SQS and SNS refuse in a message, as JSON escapes it: `\uFFFE`.
///
/// They take what XML 1.0 does, `#x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF`
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>), JSON takes every
/// character but the control characters as it is. In JSON such a character stands in a string, where its escape is the
/// same value: so the event that is read is the event that was written.
///
/// ```
/// # use onecommit_event::transportable;
/// assert_eq!(transportable("{\"note\":\"\u{FFFE}\"}"), r#"{"note":"\uFFFE"}"#);
/// ```
#[must_use]
pub fn transportable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_transportable) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if is_transportable(character) {
            escaped.push(character);
        } else {
            // None of them is beyond U+FFFF. Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04X}", u32::from(character));
        }
    }
    escaped.into()
}

/// Whether SQS and SNS take the character.
#[must_use]
pub fn is_transportable(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A name or id from outside as logs and errors may show it: written like one, with a letter in it, or not at all. Event
/// types, correlation ids and the like are shown because people search for them; somebody may still put a card number, an
/// address or a sentence there.
///
/// ```
/// # use onecommit_event::shown_name;
/// assert_eq!(shown_name("ParcelShipped"), "ParcelShipped");
/// assert_eq!(shown_name("ada@example.com"), "(not shown)");
/// assert_eq!(shown_name("4111111111111111"), "(not shown)");
/// ```
#[must_use]
pub fn shown_name(name: &str) -> &str {
    const BYTES_MAX: usize = 256;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/#".contains(&byte);
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    match has_letter && name.len() <= BYTES_MAX && name.bytes().all(is_plain) {
        true => name,
        false => "(not shown)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_queues_refuse_is_escaped_and_stays_the_same_value() {
        for code in (0..0x1_1000).filter_map(char::from_u32) {
            let json = serde_json::to_string(&code.to_string()).unwrap();
            let escaped = transportable(&json);
            assert!(escaped.chars().all(is_transportable), "{code:?}");
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), code.to_string());
        }
    }

    #[test]
    fn a_name_is_shown_as_long_as_it_is_written_like_one() {
        let longest = format!("a{}", "1".repeat(255));
        for name in ["OrderPlaced", "a", "Parcel#p-1", "shop.orders:v2/x_y", &longest] {
            assert_eq!(shown_name(name), name);
        }
        let too_long = format!("{longest}1");
        for name in ["", "4111", "ada@example.com", "a b", "é", "a\n", &too_long] {
            assert_eq!(shown_name(name), "(not shown)", "{name:?}");
        }
    }

    #[test]
    fn what_queues_take_is_not_copied() {
        let json = "{\"note\":\"line\\n, \u{7F}, é, \u{FFFD}, 😀\"}";
        assert!(matches!(transportable(json), Cow::Borrowed(same) if same == json));
    }
}
