use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The only queries that are answered, by the SHA-256 of their text in hexadecimal.
///
/// The list is made when the client is built, as a JSON object of hashes and texts, which is what tools for persisted
/// documents write. A client then sends a hash, or the text itself.
#[derive(Clone, Debug)]
pub struct TrustedDocuments(Arc<HashMap<String, String>>);

/// A list of trusted documents that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedDocumentsError {
    /// It is not a JSON object of texts.
    #[error("the list of trusted documents is not a JSON object of hashes and queries: {0}")]
    NotAList(String),
    /// A hash that is not the text's.
    #[error(
        "the list of trusted documents: {0:?} is not the SHA-256 of its query in hexadecimal; write the list again"
    )]
    WrongHash(String),
}

impl TrustedDocuments {
    /// Reads the list. A prefix `sha256:` of a hash is accepted.
    ///
    /// # Errors
    /// When it is not a list, or a hash is not that of its text.
    pub fn parse(json: &str) -> Result<Self, TrustedDocumentsError> {
        let listed: HashMap<String, String> =
            onecommit_json::from_str(json).map_err(|error| TrustedDocumentsError::NotAList(error.to_string()))?;
        let mut documents = HashMap::with_capacity(listed.len());
        for (name, text) in listed {
            let hash = name.strip_prefix("sha256:").unwrap_or(&name).to_ascii_lowercase();
            if hash != sha256(&text) {
                return Err(TrustedDocumentsError::WrongHash(name));
            }
            documents.insert(hash, text);
        }
        Ok(Self(Arc::new(documents)))
    }

    /// These queries, whose clients send their text or its hash.
    #[must_use]
    pub fn of<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let texts = texts.into_iter().map(Into::into);
        Self(Arc::new(texts.map(|text| (sha256(&text), text)).collect()))
    }

    /// The text of a hash.
    pub(crate) fn text(&self, hash: &str) -> Option<&str> {
        let hash = hash.strip_prefix("sha256:").unwrap_or(hash).to_ascii_lowercase();
        self.0.get(&hash).map(String::as_str)
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.0.contains_key(&sha256(text))
    }
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hash, byte| {
        // Writing into a string does not fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_texts_knows_their_hashes() {
        let text = "{ parcels { id } }";
        let documents = TrustedDocuments::of([text]);
        assert!(documents.contains(text) && !documents.contains("{ parcels { weight } }"));
        assert_eq!(documents.text(&sha256(text)), Some(text));
    }

    #[test]
    fn a_document_is_found_by_its_hash_alone() {
        let hash = sha256("{ a }");
        let list = TrustedDocuments::parse(&format!(r#"{{"sha256:{hash}": "{{ a }}"}}"#)).unwrap();
        assert_eq!(list.text(&hash), Some("{ a }"));
        assert_eq!(list.text(&format!("sha256:{}", hash.to_uppercase())), Some("{ a }"));
        assert!(list.contains("{ a }") && !list.contains("{ a  }"));
    }

    #[test]
    fn a_hash_of_another_text_is_refused_by_name() {
        let error = TrustedDocuments::parse(r#"{"abc": "{ a }"}"#).unwrap_err();
        assert_eq!(error, TrustedDocumentsError::WrongHash("abc".to_owned()));
        assert!(matches!(
            TrustedDocuments::parse("[]"),
            Err(TrustedDocumentsError::NotAList(_))
        ));
    }
}
