//! AES-256-GCM (NIST SP 800-38D). What is authenticated beside the value binds it to its place: algorithm, subject, key
//! and field, each with its length before it, so that no two places are written alike.
//!
//! Nonces are random. That is safe for 2^32 values per key, and a subject has its own.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::keys::SubjectKey;
use crate::randomness::{NoRandomness, SecretRandom};
use crate::subject::{Field, Subject};

/// The algorithm, and the version of what is authenticated beside the value.
pub(crate) const ALGORITHM: &str = "A256GCM-1";

/// The key, the nonce or the place is not the one it was sealed with, or the bytes were changed.
pub(crate) struct DoesNotFit;

pub(crate) type NonceBytes = [u8; NONCE_LEN];

pub(crate) fn new_nonce(random: &dyn SecretRandom) -> Result<NonceBytes, NoRandomness> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    Ok(nonce)
}

/// The value's bytes become the sealed ones, in place.
pub(crate) fn seal(
    key: &SubjectKey,
    subject: &Subject,
    field: Field,
    nonce: NonceBytes,
    value: &mut Vec<u8>,
) -> Result<(), DoesNotFit> {
    let place = place(subject, key, field);
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), value)
        .map_err(|_| DoesNotFit)
}

pub(crate) fn open(
    key: &SubjectKey,
    subject: &Subject,
    field: Field,
    nonce: NonceBytes,
    sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, DoesNotFit> {
    let mut bytes = Zeroizing::new(sealed);
    let place = place(subject, key, field);
    let length = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut bytes)
        .map_err(|_| DoesNotFit)?
        .len();
    bytes.truncate(length);
    Ok(bytes)
}

fn cipher(key: &SubjectKey) -> Result<LessSafeKey, DoesNotFit> {
    let key = UnboundKey::new(&AES_256_GCM, key.secret()).map_err(|_| DoesNotFit)?;
    Ok(LessSafeKey::new(key))
}

fn place(subject: &Subject, key: &SubjectKey, field: Field) -> Vec<u8> {
    let parts = [ALGORITHM, subject.as_str(), key.id(), field.name()];
    let mut place = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        place.extend((part.len() as u64).to_be_bytes());
        place.extend(part.as_bytes());
    }
    place
}
