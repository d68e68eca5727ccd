use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::token::provider;

/// The least bytes of a shared secret: RFC 7518, 3.2, asks for as many as the hash has.
const SECRET_BYTES_MIN: usize = 32;
/// The most bytes of a published key set.
const JWKS_BYTES_MAX: usize = 64 * 1024;
/// The most keys of a set that are kept.
const KEYS_MAX: usize = 100;
/// The longest key id, in bytes.
pub(crate) const KEY_ID_BYTES_MAX: usize = 256;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519. The default of this system: small keys and signatures, no randomness needed to sign.
    EdDsa,
    /// ECDSA on P-256. Its check is a little faster than Ed25519's.
    Es256,
    /// A secret that both sides share; whoever can check such a token can also make one.
    Hs256,
    /// RSA, to check tokens of identity providers only: nothing here signs with it.
    Rs256,
}

impl Algorithm {
    pub(crate) fn of_jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

/// A key, or a set of them, that cannot be used. No part of it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Not a private key in PKCS#8.
    #[error("it is not a private key of this algorithm in PKCS#8 PEM; make one with openssl genpkey")]
    Private,
    /// A secret that can be guessed.
    #[error("a shared secret has at least {SECRET_BYTES_MIN} bytes")]
    ShortSecret,
    /// Not a key that signs with this algorithm.
    #[error("nothing is signed with RS256 here; take EdDSA, ES256 or HS256")]
    CannotSign,
    /// A key id that is empty or too long.
    #[error("a key id has 1 to {KEY_ID_BYTES_MAX} visible ASCII characters")]
    KeyId,
    /// A symmetric key is a secret: it has no public half.
    #[error("a shared secret has no public key to publish")]
    NothingToPublish,
    /// Not a JSON Web Key Set.
    #[error("it is not a JSON Web Key Set (RFC 7517) of at most {JWKS_BYTES_MAX} bytes")]
    KeySet,
    /// A key set none of whose keys can be used.
    #[error("the key set has no key that can be used: Ed25519, P-256 or RSA of 2048 bits or more, with a kid, to sign")]
    NoKey,
    /// No randomness for a new key.
    #[error("the operating system returned no random bytes")]
    Randomness,
}

/// A private key, or a shared secret, with its id. Nothing of it is shown.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

impl SigningKey {
    /// A private key in PKCS#8 PEM, as `openssl genpkey` writes it (`-algorithm ed25519`, or `-algorithm EC -pkeyopt
    /// ec_paramgen_curve:P-256`).
    ///
    /// # Errors
    /// When it is not a key of this algorithm, or the algorithm is not one to sign with.
    pub fn from_pem(algorithm: Algorithm, id: impl Into<String>, pem: &str) -> Result<Self, InvalidKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| InvalidKey::Private)?;
        Self::from_der(algorithm, id.into(), der.secret_pkcs8_der())
    }

    /// A secret that both sides share, signing with HS256.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn from_secret(id: impl Into<String>, secret: &[u8]) -> Result<Self, InvalidKey> {
        provider::install();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(InvalidKey::ShortSecret);
        }
        Ok(Self {
            id: checked_id(id.into())?,
            algorithm: Algorithm::Hs256,
            encoding: EncodingKey::from_secret(secret),
        })
    }

    /// A new private key: for tests, and for a stage that runs on one machine. It cannot be taken out again.
    ///
    /// # Errors
    /// When there is no randomness, or the algorithm has no private key.
    pub fn generate(algorithm: Algorithm, id: impl Into<String>) -> Result<Self, InvalidKey> {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
            Algorithm::Hs256 | Algorithm::Rs256 => return Err(InvalidKey::CannotSign),
        };
        let pkcs8 = pkcs8.map_err(|_| InvalidKey::Randomness)?;
        Self::from_der(algorithm, id.into(), pkcs8.as_ref())
    }

    fn from_der(algorithm: Algorithm, id: String, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        provider::install();
        let encoding = match algorithm {
            Algorithm::EdDsa => provider::ed_pair(pkcs8).map(|_| EncodingKey::from_ed_der(pkcs8)),
            Algorithm::Es256 => provider::ec_pair(pkcs8).map(|_| EncodingKey::from_ec_der(pkcs8)),
            Algorithm::Hs256 | Algorithm::Rs256 => return Err(InvalidKey::CannotSign),
        };
        Ok(Self {
            id: checked_id(id)?,
            algorithm,
            encoding: encoding.map_err(|_| InvalidKey::Private)?,
        })
    }

    /// Its id, the `kid` of what it signs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// Its public half as a JSON Web Key Set of one key, to be given to those who check its tokens. While keys are
    /// changed, they are given the old key and the new one.
    ///
    /// # Errors
    /// When it is a shared secret.
    pub fn public_jwks(&self) -> Result<String, InvalidKey> {
        Ok(json!({"keys": [self.public_jwk()?]}).to_string())
    }

    /// Its public half as one JSON Web Key.
    ///
    /// # Errors
    /// When it is a shared secret.
    pub fn public_jwk(&self) -> Result<serde_json::Value, InvalidKey> {
        let (pkcs8, base64) = (self.encoding.as_bytes(), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
        match self.algorithm {
            Algorithm::EdDsa => {
                let pair = provider::ed_pair(pkcs8).map_err(|_| InvalidKey::Private)?;
                let x = base64(pair.public_key().as_ref());
                Ok(json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id, "x": x}))
            }
            Algorithm::Es256 => {
                let pair = provider::ec_pair(pkcs8).map_err(|_| InvalidKey::Private)?;
                // An uncompressed point: 4, x, y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (base64(x), base64(y));
                Ok(json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id, "x": x, "y": y}))
            }
            Algorithm::Hs256 | Algorithm::Rs256 => Err(InvalidKey::NothingToPublish),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn checked_id(id: String) -> Result<String, InvalidKey> {
    let is_visible = id.bytes().all(|byte| byte.is_ascii_graphic());
    match is_visible && (1..=KEY_ID_BYTES_MAX).contains(&id.len()) {
        true => Ok(id),
        false => Err(InvalidKey::KeyId),
    }
}

/// A key that checks signatures. What it is for is decided here, never by a token.
pub(crate) struct VerifyingKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
    /// What tells two keys of one id apart.
    public: Zeroizing<Vec<u8>>,
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.public == other.public
    }
}

/// The keys that tokens may be signed with, by their ids.
#[derive(Default, PartialEq)]
pub struct KeySet(HashMap<String, VerifyingKey>);

#[derive(Deserialize)]
struct Published<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// The keys of a JSON Web Key Set (RFC 7517). Keys of kinds that are not known here, without an id, for encryption, or
    /// secret are left out.
    ///
    /// # Errors
    /// When it is not a key set, or none of its keys is left.
    pub fn from_json(text: &str) -> Result<Self, InvalidKey> {
        provider::install();
        if text.len() > JWKS_BYTES_MAX {
            return Err(InvalidKey::KeySet);
        }
        let published: Published<'_> = onecommit_json::from_str(text).map_err(|_| InvalidKey::KeySet)?;
        let keys: HashMap<_, _> = published.keys.into_iter().filter_map(usable).take(KEYS_MAX).collect();
        if keys.is_empty() {
            return Err(InvalidKey::NoKey);
        }
        Ok(Self(keys))
    }

    /// With a secret that both sides share. Such a key never comes from a published set.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn with_secret(mut self, id: impl Into<String>, secret: &[u8]) -> Result<Self, InvalidKey> {
        provider::install();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(InvalidKey::ShortSecret);
        }
        let key = VerifyingKey {
            algorithm: Algorithm::Hs256,
            decoding: DecodingKey::from_secret(secret),
            public: Zeroizing::new(secret.to_vec()),
        };
        self.0.insert(checked_id(id.into())?, key);
        Ok(self)
    }

    /// With the keys of another set, whose ids win.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn find(&self, id: &str) -> Option<&VerifyingKey> {
        self.0.get(id)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeySet({} keys)", self.0.len())
    }
}

/// The key, if it is one that checks signatures in a way that is known here.
fn usable(raw: &RawValue) -> Option<(String, VerifyingKey)> {
    let jwk: Jwk = onecommit_json::from_raw(raw).ok()?;
    let common = &jwk.common;
    let is_to_sign = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = common.key_operations.as_ref();
    let is_to_verify = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !is_to_sign || !is_to_verify {
        return None;
    }
    let id = checked_id(common.key_id.clone()?).ok()?;
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDsa, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::Es256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::Rs256, KeyAlgorithm::RS256),
        _ => return None,
    };
    if common.key_algorithm.is_some_and(|algorithm| algorithm != named) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    let public = match decoding.kind() {
        jsonwebtoken::DecodingKeyKind::SecretOrDer(bytes) => bytes.clone(),
        jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, e } => [n.as_slice(), e].concat(),
    };
    let has_its_length = match algorithm {
        Algorithm::EdDsa => public.len() == 32,
        Algorithm::Es256 => public.len() == 65,
        Algorithm::Rs256 => public.len() >= 2048 / 8,
        Algorithm::Hs256 => false,
    };
    has_its_length.then(|| {
        let key = VerifyingKey {
            algorithm,
            decoding,
            public: Zeroizing::new(public),
        };
        (id, key)
    })
}
