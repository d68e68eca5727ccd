//! AES-256-GCM (NIST SP 800-38D). What is authenticated beside the value binds it to its place: algorithm, subject, key,
//! field and, where there is one, the event or row that it stands in, each with its length before it, so that no two places
//! are written alike.
//!
//! Nonces are random. That is safe for 2^32 values per key, and a subject has its own.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::keys::SubjectKey;
use crate::randomness::{NoRandomness, SecretRandom};
use crate::subject::{Field, Subject};

/// The algorithm, and the version of what is authenticated beside the value: of one that may stand anywhere.
const ANYWHERE: &str = "A256GCM-1";
/// Of one that stands in one event or row.
const IN_ONE_PLACE: &str = "A256GCM-2";

/// Where a value stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) field: Field,
    /// The event or the row; none for a value that is the same wherever it stands.
    pub(crate) within: Option<&'a str>,
}

impl Place<'_> {
    /// How a value of this place is sealed, and how nothing else opens as one.
    pub(crate) fn algorithm(self) -> &'static str {
        match self.within {
            None => ANYWHERE,
            Some(_) => IN_ONE_PLACE,
        }
    }
}

/// Whether this code can open what was sealed like this.
pub(crate) fn is_known(algorithm: &str) -> bool {
    [ANYWHERE, IN_ONE_PLACE].contains(&algorithm)
}

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
    place: Place<'_>,
    nonce: NonceBytes,
    value: &mut Vec<u8>,
) -> Result<(), DoesNotFit> {
    let place = written(subject, key, place);
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), value)
        .map_err(|_| DoesNotFit)
}

pub(crate) fn open(
    key: &SubjectKey,
    subject: &Subject,
    place: Place<'_>,
    nonce: NonceBytes,
    sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, DoesNotFit> {
    let mut bytes = Zeroizing::new(sealed);
    let place = written(subject, key, place);
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

fn written(subject: &Subject, key: &SubjectKey, place: Place<'_>) -> Vec<u8> {
    let parts = [place.algorithm(), subject.as_str(), key.id(), place.field.name()];
    let parts = parts.into_iter().chain(place.within);
    let mut written = Vec::new();
    for part in parts {
        written.extend((part.len() as u64).to_be_bytes());
        written.extend(part.as_bytes());
    }
    written
}
