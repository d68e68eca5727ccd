//! The cryptography of `jsonwebtoken`, by `ring`: EdDSA (Ed25519), ES256, HS256, and RS256 to verify only.
//!
//! Its own choices are not taken: one brings `rsa`, which has an open advisory (RUSTSEC-2023-0071), the other a second
//! cryptographic library beside `ring`.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ring::{digest, hmac};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: ec_public,
        ed_pub_components_from_private_key: ed_public,
        compute_digest,
    },
};

/// Makes this the process's provider; the first call counts, and no other call of this crate chooses another.
pub(crate) fn install() {
    // It fails only where one is installed already.
    let _ = PROVIDER.install_default();
}

enum RingSigner {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Hmac(hmac::Key),
}

enum RingVerifier {
    Ed(Vec<u8>),
    Ec(Vec<u8>),
    Hmac(hmac::Key),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

pub(crate) fn ed_pair(pkcs8: &[u8]) -> Result<Ed25519KeyPair, Error> {
    // OpenSSL writes the key without its public half, which ring then computes.
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

pub(crate) fn ec_pair(pkcs8: &[u8]) -> Result<EcdsaKeyPair, Error> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
        .map_err(|_| ErrorKind::InvalidEcdsaKey.into())
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Ok(Box::new(match (algorithm, key.family()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => RingSigner::Ed(ed_pair(key.as_bytes())?),
        (Algorithm::ES256, AlgorithmFamily::Ec) => RingSigner::Ec(ec_pair(key.as_bytes())?),
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            RingSigner::Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))
        }
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    }))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    Ok(Box::new(match (algorithm, key.family(), key.kind()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed, _) => RingVerifier::Ed(key.try_get_as_bytes()?.to_vec()),
        (Algorithm::ES256, AlgorithmFamily::Ec, _) => RingVerifier::Ec(key.try_get_as_bytes()?.to_vec()),
        (Algorithm::HS256, AlgorithmFamily::Hmac, _) => {
            RingVerifier::Hmac(hmac::Key::new(hmac::HMAC_SHA256, key.try_get_as_bytes()?))
        }
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => RingVerifier::Rsa {
            n: n.clone(),
            e: e.clone(),
        },
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    }))
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        match self {
            Self::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Ec(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| signature::Error::new()),
            Self::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed(_) => Algorithm::EdDSA,
            Self::Ec(_) => Algorithm::ES256,
            Self::Hmac(_) => Algorithm::HS256,
        }
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        match self {
            Self::Ed(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Ec(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature),
            Self::Hmac(key) => hmac::verify(key, message, signature),
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed(_) => Algorithm::EdDSA,
            Self::Ec(_) => Algorithm::ES256,
            Self::Hmac(_) => Algorithm::HS256,
            Self::Rsa { .. } => Algorithm::RS256,
        }
    }
}

fn ec_public(pkcs8: &[u8], _: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>), Error> {
    let pair = ec_pair(pkcs8)?;
    // An uncompressed point: 4, x, y.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    Ok((EllipticCurve::P256, x.to_vec(), y.to_vec()))
}

fn ed_public(pkcs8: &[u8], _: &EllipticCurve) -> Result<Vec<u8>, Error> {
    Ok(ed_pair(pkcs8)?.public_key().as_ref().to_vec())
}

fn compute_digest(bytes: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>, Error> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(digest::digest(algorithm, bytes).as_ref().to_vec())
}
