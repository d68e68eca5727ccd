use onecommit_event::{EventId, Fingerprint};
use sha2::{Digest, Sha256};

/// What a row notes of an event that a consumer has handled: 20 bytes in a set of bytes.
///
/// Two elements, which differ in length, so that one is never taken for the other: one by which a copy is recognised, which
/// is all that a condition can ask for, and a short one that depends on the content, which is looked at in the row that a failed
/// condition shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    handled: [u8; HANDLED_BYTES],
    content: [u8; CONTENT_BYTES],
}

/// Of a hash of consumer and event id: among a billion marks, two are the same with a probability below 10^-20.
pub(crate) const HANDLED_BYTES: usize = 16;
/// Of a hash that the fingerprint goes into, too. Another content is taken for the same once in four billion times, and then
/// not handled either: it is dropped where it would have been parked.
const CONTENT_BYTES: usize = 4;

impl Mark {
    pub(crate) fn of(consumer: &str, id: EventId, fingerprint: Fingerprint) -> Self {
        let (id, fingerprint) = (id.to_string(), fingerprint.to_string());
        Self {
            handled: hash(&["handled", consumer, &id]),
            content: hash(&["content", consumer, &id, &fingerprint]),
        }
    }

    /// The element that is in a set if the event was handled.
    pub(crate) fn handled(&self) -> &[u8] {
        &self.handled
    }

    /// The element that is beside it if it was this event, and not another one of its id.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Both, as they are added to a set.
    pub(crate) fn elements(&self) -> [Vec<u8>; 2] {
        [self.handled.to_vec(), self.content.to_vec()]
    }
}

fn hash<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut cut = [0; N];
    cut.copy_from_slice(&hash.finalize()[..N]);
    cut
}

#[cfg(test)]
pub(crate) mod tests {
    use onecommit_event::Event;

    use super::*;

    pub(crate) fn event(id: u64, payload: &str) -> Event {
        let json = format!(
            r#"{{"eventId":"0192f0c1-0000-7000-8000-{id:012x}","eventType":"A","aggregateId":"a","aggregateType":"A",
            "timestamp":"2026-11-22T07:00:00Z","payload":{{"p":"{payload}"}},
            "metadata":{{"correlationId":"c","causationId":"c"}}}}"#
        );
        Event::from_json(&json).unwrap()
    }

    pub(crate) fn mark(consumer: &str, id: u64, payload: &str) -> Mark {
        let event = event(id, payload);
        Mark::of(consumer, event.id(), event.fingerprint())
    }

    #[test]
    fn a_mark_is_of_one_consumer_and_one_event() {
        let one = mark("a", 1, "x");
        assert_eq!(one, mark("a", 1, "x"));
        assert_ne!(one.handled, mark("b", 1, "x").handled);
        assert_ne!(one.handled, mark("a", 2, "x").handled);
    }

    #[test]
    fn another_content_shows_beside_the_same_id() {
        let (one, other) = (mark("a", 1, "x"), mark("a", 1, "y"));
        assert_eq!(one.handled, other.handled);
        assert_ne!(one.content, other.content);
    }

    /// Rows that were written before are read by code that comes later.
    #[test]
    fn a_mark_stays_what_it_is() {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let mark = mark("parcel-view", 7, "x");
        assert_eq!(hex(&mark.handled), "04cf9fc4a8990ad0fcaa03e6c8a1307c");
        assert_eq!(hex(&mark.content), "d87fa8ec");
    }
}
