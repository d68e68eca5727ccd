use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onecommit_sealing::{NoRandomness, SecretRandom};
use ring::digest::{Context, SHA256, digest};
use zeroize::Zeroizing;

/// What every key begins with, so that scanners for secrets find it.
const PREFIX: &str = "ock_";
const UNIQUE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;
const ID_CHARACTERS: usize = 2 * (UNIQUE_BYTES + CHECKSUM_BYTES);
const SECRET_BYTES: usize = 32;
/// 256 bits in Base64 without padding.
const SECRET_CHARACTERS: usize = 43;
const KEY_CHARACTERS: usize = PREFIX.len() + ID_CHARACTERS + 1 + SECRET_CHARACTERS;

/// Whether a credential is meant to be an API key: it begins with `ock_`.
#[must_use]
pub fn looks_like_api_key(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

/// An API key, `ock_<32 hex>.<43 base64url>`: its id, and 256 secret bits. It is shown nowhere, and wiped when dropped.
///
/// The last 4 bytes of the id are a checksum of all the rest, so that a key with a typing error is refused without a read.
/// They say nothing of use about the secret: 224 of its bits remain to be guessed.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

/// The id of an API key: 32 lower-case hexadecimal digits. It is not a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(String);

/// A text that is not the id of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an API key is {ID_CHARACTERS} hexadecimal digits, the part between ock_ and the dot")]
pub struct InvalidApiKeyId;

impl ApiKey {
    /// A new key.
    pub(crate) fn random(random: &dyn SecretRandom) -> Result<Self, NoRandomness> {
        let (mut unique, mut secret) = ([0; UNIQUE_BYTES], Zeroizing::new([0; SECRET_BYTES]));
        random.fill(&mut unique)?;
        random.fill(&mut *secret)?;
        let unique = hex(&unique);
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*secret));
        let checksum = checksum(&unique, &secret);
        Ok(Self(Zeroizing::new(format!("{PREFIX}{unique}{checksum}.{}", *secret))))
    }

    /// The key, if the text is one and its checksum is right.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != KEY_CHARACTERS || !text.is_ascii() {
            return None;
        }
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let id = ApiKeyId::from_str(id).ok()?;
        let is_sound = secret.len() == SECRET_CHARACTERS && URL_SAFE_NO_PAD.decode(secret).is_ok();
        let (unique, of_id) = id.0.split_at(2 * UNIQUE_BYTES);
        (is_sound && of_id == checksum(unique, secret)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ApiKeyId {
        ApiKeyId(self.0[PREFIX.len()..PREFIX.len() + ID_CHARACTERS].to_owned())
    }

    /// The key, for whoever is to use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        hash
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKey({}, ..)", self.id())
    }
}

impl ApiKeyId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiKeyId {
    type Err = InvalidApiKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidApiKeyId> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == ID_CHARACTERS && text.bytes().all(is_hex) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidApiKeyId),
        }
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn checksum(unique: &str, secret: &str) -> String {
    let mut context = Context::new(&SHA256);
    for part in [PREFIX, unique, ".", secret] {
        context.update(part.as_bytes());
    }
    hex(&context.finish().as_ref()[..CHECKSUM_BYTES])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
