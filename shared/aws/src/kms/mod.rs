//! Keys of subjects, wrapped with a key of AWS KMS that never leaves it.
//!
//! The subject and the id of its key are the encryption context
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html>): what was wrapped for one opens for no
//! other, and CloudTrail shows whose key was asked for.

mod sealer;

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use onecommit_sealing::{KeyWrap, Subject, WrapError};
use zeroize::Zeroizing;

use crate::session::{RequestFailure, Session};

pub use sealer::{KEYS_KEPT_FOR, sealer};

/// Names in the encryption context. What is wrapped opens only with the same, so they must not change.
const SUBJECT: &str = "subject";
const KEY_ID: &str = "keyId";

/// A symmetric key of KMS, by its ARN, id or alias.
pub struct KmsKeyWrap {
    session: Session,
    key: String,
    client: OnceLock<Client>,
}

impl KmsKeyWrap {
    /// The client is made with the first request.
    #[must_use]
    pub fn new(session: Session, key: String) -> Self {
        Self {
            session,
            key,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.session.sdk_config()))
    }
}

#[async_trait]
impl KeyWrap for KmsKeyWrap {
    async fn wrap(&self, subject: &Subject, key_id: &str, secret: &[u8]) -> Result<Vec<u8>, WrapError> {
        let request = self.client().encrypt().key_id(&self.key);
        let request = request.encryption_context(SUBJECT, subject.as_str());
        let request = request.encryption_context(KEY_ID, key_id).plaintext(Blob::new(secret));
        let answer = request.send().await.map_err(|error| of_request(error.into()))?;
        let wrapped = answer.ciphertext_blob.map(Blob::into_inner);
        wrapped.ok_or_else(|| WrapError::Unavailable("KMS answered without a wrapped key".into()))
    }

    async fn unwrap(&self, subject: &Subject, key_id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let request = self.client().decrypt().key_id(&self.key);
        let request = request.encryption_context(SUBJECT, subject.as_str());
        let request = request
            .encryption_context(KEY_ID, key_id)
            .ciphertext_blob(Blob::new(wrapped));
        let answer = request.send().await.map_err(|error| of_request(error.into()))?;
        let secret = answer.plaintext.map(Blob::into_inner).map(Zeroizing::new);
        secret.ok_or_else(|| WrapError::Unavailable("KMS answered without the key".into()))
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors>. A key that is disabled, or a
/// permission that is missing, says nothing about what was wrapped: somebody has to bring it back.
fn of_request(failure: RequestFailure) -> WrapError {
    let refusals = ["InvalidCiphertext", "IncorrectKey"];
    let is_refused = |code: &str| refusals.iter().any(|known| code.starts_with(known));
    match failure.code.as_deref().is_some_and(is_refused) {
        true => WrapError::Refused(failure.description.into()),
        false => WrapError::Unavailable(failure.description.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_kms_cannot_open_is_refused() {
        for code in ["InvalidCiphertextException", "IncorrectKeyException"] {
            let refused = of_request(RequestFailure::of(Some(code)));
            assert!(matches!(refused, WrapError::Refused(_)), "{code}");
        }
        for code in [
            Some("DisabledException"),
            Some("AccessDeniedException"),
            Some("ThrottlingException"),
            None,
        ] {
            let away = of_request(RequestFailure::of(code));
            assert!(matches!(away, WrapError::Unavailable(_)), "{code:?}");
        }
    }
}
