use std::fmt;

use onecommit_json::Object;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::Event;
use crate::claim_check::store::{PayloadStore, StoreError};

/// The field of the envelope that carries the check.
const FIELD: &str = "claimCheck";
/// The longest payload that is claimed, in bytes: what a message's handler is willing to hold in memory.
const PAYLOAD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a payload is claimed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimCheck {
    /// The store's name.
    pub bucket: String,
    /// The payload's key in it.
    pub key: String,
    /// The payload's length.
    pub bytes: u64,
    /// The payload's SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Why a payload could not be claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// The check is not valid, names another store, or what it claims is not what was left.
    Invalid(String),
    /// See [`StoreError`].
    Store(StoreError),
}

impl fmt::Display for ClaimError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => formatter.write_str(why),
            Self::Store(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ClaimError {}

impl ClaimCheck {
    /// Whether an event carries a check instead of its payload. An event with a payload carries none: a field of this name
    /// is then one that is not understood, as any other.
    #[must_use]
    pub fn is_on(event: &Event) -> bool {
        let check = event.unknown_fields().get(FIELD);
        let is_one = |check| {
            let check = Object::from_raw(check);
            check.is_ok_and(|check| check.get("bucket").is_some() && check.get("key").is_some())
        };
        check.is_some_and(is_one) && is_empty(event)
    }

    /// Leaves an event's payload in the store and gives back the event with the check for it.
    ///
    /// # Errors
    /// When the store does not take it, or the event has a field of its own where the check would be.
    pub async fn leave(event: &Event, store: &dyn PayloadStore) -> Result<Event, StoreError> {
        if event.unknown_fields().contains(FIELD) {
            let problem =
                format!("the event has a field {FIELD} of its own, so its payload cannot travel apart from it");
            return Err(StoreError::Gone(problem.into()));
        }
        let payload = event.payload().get();
        let sha256 = sha256_of(payload);
        let check = Self {
            bucket: store.name().to_owned(),
            key: key_of(event, &sha256),
            bytes: payload.len() as u64,
            sha256,
        };
        store.put(&check.key, payload).await?;
        let value = serde_json::to_value(&check).map_err(|error| StoreError::Gone(error.into()))?;
        Ok(event.with_empty_payload(FIELD, value))
    }

    /// The check that an event carries.
    ///
    /// A check is trusted no further than it has to be: it may name only this store and a key of this event, and no more
    /// than 64 MiB. Earlier publishers left payloads under the event's id alone.
    ///
    /// # Errors
    /// When it is not valid, or claims something else.
    pub fn of(event: &Event, store: &dyn PayloadStore) -> Result<Self, ClaimError> {
        let check = Self::read(event)?;
        let is_own_key = check.key == key_of(event, &check.sha256) || check.key == former_key_of(event);
        if check.bucket != store.name() || !is_hash(&check.sha256) || !is_own_key {
            return Err(ClaimError::Invalid(
                "the claim check names a bucket or key that does not belong to this event".to_owned(),
            ));
        }
        if check.bytes > PAYLOAD_BYTES_MAX {
            return Err(ClaimError::Invalid(format!(
                "the payload has {} bytes; the limit is {PAYLOAD_BYTES_MAX}",
                check.bytes
            )));
        }
        Ok(check)
    }

    /// Claims the payload of the event that carries this check and gives back the event as it was. What is found has to have
    /// the promised length, or it is not read, and the promised hash.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub async fn claim(&self, event: &Event, store: &dyn PayloadStore) -> Result<Event, ClaimError> {
        let payload = store.get(&self.key, self.bytes).await.map_err(ClaimError::Store)?;
        if payload.len() as u64 != self.bytes || sha256_of(&payload) != self.sha256 {
            return Err(ClaimError::Invalid(
                "the stored object is not the payload that the claim check describes".to_owned(),
            ));
        }
        event
            .with_claimed_payload(FIELD, payload)
            .map_err(|error| ClaimError::Invalid(error.to_string()))
    }

    fn read(event: &Event) -> Result<Self, ClaimError> {
        let field = event.unknown_fields().get(FIELD).unwrap_or(RawValue::NULL);
        onecommit_json::from_raw(field).map_err(|error| ClaimError::Invalid(format!("not a claim check: {error}")))
    }
}

fn is_empty(event: &Event) -> bool {
    Object::from_raw(event.payload()).is_ok_and(|payload| payload.into_members().is_empty())
}

/// Named by its content: whoever else may write to the store cannot put another payload under it.
fn key_of(event: &Event, sha256: &str) -> String {
    format!("claims/{}/{sha256}", event.id())
}

/// Where publishers left payloads before keys named their content.
fn former_key_of(event: &Event) -> String {
    format!("claims/{}", event.id())
}

/// Whether a text is a SHA-256 as it is written here. Anything else would be a key of somebody's choice.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn sha256_of(payload: &str) -> String {
    Sha256::digest(payload)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    #[derive(Default)]
    struct MemoryStore(Mutex<HashMap<String, String>>);

    #[async_trait]
    impl PayloadStore for MemoryStore {
        fn name(&self) -> &str {
            "bucket"
        }
        async fn put(&self, key: &str, payload: &str) -> Result<(), StoreError> {
            let mut payloads = self.0.lock().unwrap();
            payloads.entry(key.to_owned()).or_insert_with(|| payload.to_owned());
            Ok(())
        }
        async fn get(&self, key: &str, _: u64) -> Result<String, StoreError> {
            self.0
                .lock()
                .unwrap()
                .get(key)
                .cloned()
                .ok_or_else(|| StoreError::Gone("no such key".into()))
        }
    }

    async fn claim(event: &Event, store: &dyn PayloadStore) -> Result<Event, ClaimError> {
        ClaimCheck::of(event, store)?.claim(event, store).await
    }

    fn event(payload: &str) -> Event {
        let json = format!(
            r#"{{"eventId":"0192f0c1-0000-7000-8000-000000000001","eventType":"A","aggregateId":"a","aggregateType":"A",
            "timestamp":"2026-11-22T07:00:00.000Z","payload":{payload},"tenant":"t",
            "metadata":{{"correlationId":"c","causationId":"c","schemaVersion":1}}}}"#
        );
        Event::from_json(&json).unwrap()
    }

    #[tokio::test]
    async fn an_event_comes_back_as_it_was_left() {
        let store = MemoryStore::default();
        let original = event(r#"{"blob":"xyz"}"#);
        let light = ClaimCheck::leave(&original, &store).await.unwrap();
        assert!(ClaimCheck::is_on(&light) && !ClaimCheck::is_on(&original));
        assert_eq!(light.payload().get(), "{}");
        let travelled = Event::from_json(&light.to_json()).unwrap();
        let claimed = claim(&travelled, &store).await.unwrap();
        assert_eq!(claimed.to_json(), original.to_json());
        assert_eq!(claimed.fingerprint(), original.fingerprint());
    }

    #[tokio::test]
    async fn a_check_can_claim_nothing_but_its_own_events_payload_unchanged() {
        let store = MemoryStore::default();
        let light = ClaimCheck::leave(&event(r#"{"blob":"xyz"}"#), &store)
            .await
            .unwrap()
            .to_json();
        for (from, to) in [
            ("claims/0192f0c1-0000-7000-8000-000000000001", "claims/secret"),
            (
                "claims/0192f0c1-0000-7000-8000-000000000001/",
                "claims/0192f0c1-0000-7000-8000-000000000002/",
            ),
            ("\"sha256\":\"", "\"sha256\":\"../"),
            ("\"sha256\":\"", "\"sha256\":\"0"),
            ("\"bucket\":\"bucket\"", "\"bucket\":\"other\""),
            ("\"bytes\":14", "\"bytes\":15"),
            ("\"bytes\":14", "\"bytes\":\"many\""),
            ("\"bytes\":14", "\"bytes\":99999999999"),
        ] {
            let forged = Event::from_json(&light.replace(from, to)).unwrap();
            assert_ne!(forged.to_json(), light);
            assert!(
                matches!(claim(&forged, &store).await, Err(ClaimError::Invalid(_))),
                "{to}"
            );
        }
    }

    #[tokio::test]
    async fn a_payload_of_64_mib_is_the_longest_that_is_claimed() {
        let store = MemoryStore::default();
        let light = ClaimCheck::leave(&event(r#"{"blob":"xyz"}"#), &store).await.unwrap();
        let of_bytes = |bytes: u64| {
            let json = light.to_json().replace("\"bytes\":14", &format!("\"bytes\":{bytes}"));
            ClaimCheck::of(&Event::from_json(&json).unwrap(), &store)
        };
        assert_eq!(of_bytes(67_108_864).unwrap().bytes, 67_108_864);
        assert!(matches!(of_bytes(67_108_865), Err(ClaimError::Invalid(why)) if why.contains("limit")));
    }

    #[tokio::test]
    async fn a_key_that_goes_with_its_hash_is_refused_when_that_is_none() {
        let store = MemoryStore::default();
        let light = ClaimCheck::leave(&event(r#"{"blob":"xyz"}"#), &store).await.unwrap();
        let check = ClaimCheck::of(&light, &store).unwrap();
        for hash in ["../secret", &check.sha256[1..], &format!("g{}", &check.sha256[1..])] {
            let forged = Event::from_json(&light.to_json().replace(&check.sha256, hash)).unwrap();
            let claimed = ClaimCheck::of(&forged, &store);
            assert!(matches!(claimed, Err(ClaimError::Invalid(_))), "{hash}");
        }
    }

    #[tokio::test]
    async fn another_publisher_can_neither_overwrite_nor_swap_a_payload() {
        let store = MemoryStore::default();
        let original = event(r#"{"blob":"xyz"}"#);
        let light = ClaimCheck::leave(&original, &store).await.unwrap();
        let forged = ClaimCheck::leave(&event(r#"{"blob":"abc"}"#), &store).await.unwrap();
        let key = ClaimCheck::of(&light, &store).unwrap().key;
        assert_ne!(key, ClaimCheck::of(&forged, &store).unwrap().key);
        store.put(&key, r#"{"blob":"abc"}"#).await.unwrap();
        assert_eq!(claim(&light, &store).await.unwrap().to_json(), original.to_json());
        // Whoever writes past the store's rule is noticed by whoever reads.
        store.0.lock().unwrap().insert(key, r#"{"blob":"abc"}"#.to_owned());
        assert!(matches!(claim(&light, &store).await, Err(ClaimError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_payload_under_a_former_key_is_still_claimed() {
        let store = MemoryStore::default();
        let original = event(r#"{"blob":"xyz"}"#);
        let light = ClaimCheck::leave(&original, &store).await.unwrap();
        let (key, former) = (
            ClaimCheck::of(&light, &store).unwrap().key,
            format!("claims/{}", original.id()),
        );
        store.put(&former, original.payload().get()).await.unwrap();
        store.0.lock().unwrap().remove(&key);
        let light = Event::from_json(&light.to_json().replace(&key, &former)).unwrap();
        assert_eq!(claim(&light, &store).await.unwrap().to_json(), original.to_json());
        store.0.lock().unwrap().insert(former, r#"{"blob":"abc"}"#.to_owned());
        assert!(matches!(claim(&light, &store).await, Err(ClaimError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_field_of_the_checks_name_beside_a_payload_is_a_field_as_any_other() {
        let own = |payload: &str, field: &str| {
            let json = event(payload).to_json();
            Event::from_json(&json.replacen('{', &format!(r#"{{"claimCheck":{field},"#), 1)).unwrap()
        };
        for event in [
            own(r#"{"blob":"xyz"}"#, r#"{"bucket":"b","key":"k"}"#),
            own("{}", r#"{"bucket":"b"}"#),
            own("{}", r#"{"key":"k"}"#),
            own("{}", "7"),
            own("{}", "{}"),
        ] {
            assert!(!ClaimCheck::is_on(&event), "{}", event.to_json());
            let left = ClaimCheck::leave(&event, &MemoryStore::default()).await;
            assert!(matches!(left, Err(StoreError::Gone(_))), "its own field would be lost");
        }
    }

    #[tokio::test]
    async fn a_payload_that_is_gone_is_told_apart_from_a_store_that_is_down() {
        let light = ClaimCheck::leave(&event("{}"), &MemoryStore::default()).await.unwrap();
        let empty = MemoryStore::default();
        assert!(matches!(
            claim(&light, &empty).await,
            Err(ClaimError::Store(StoreError::Gone(_)))
        ));
    }
}
