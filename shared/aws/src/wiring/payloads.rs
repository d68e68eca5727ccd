use std::sync::Arc;

use onecommit_config::{Reader, Setting};
use onecommit_event::claim_check::PayloadStore;

use crate::session::Session;

/// Where payloads are kept that are too large for a message, if anywhere.
#[derive(Clone, Debug, Default)]
pub struct PayloadsConfig {
    bucket: Option<String>,
}

impl PayloadsConfig {
    /// Reads the name of the bucket. A bucket is a problem where this crate was built without its feature `s3`.
    pub(crate) fn read(reader: &mut Reader<'_>, setting: &Setting) -> Self {
        let bucket = reader.parsed(setting, |bucket| match cfg!(feature = "s3") {
            true => Ok(bucket.to_owned()),
            false => Err("possible in a build without the feature `s3` of onecommit-aws (`aws-s3` of onecommit)"),
        });
        Self { bucket }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    /// The store of payloads. Nothing is sent before the first payload.
    #[must_use]
    pub fn store(&self, session: &Session) -> Option<Arc<dyn PayloadStore>> {
        in_bucket(session, self.bucket.as_deref()?)
    }
}

#[cfg(feature = "s3")]
#[allow(clippy::unnecessary_wraps, reason = "without the feature there is none")]
fn in_bucket(session: &Session, bucket: &str) -> Option<Arc<dyn PayloadStore>> {
    let payloads = crate::s3::S3Payloads::new(session.clone(), bucket.to_owned());
    Some(Arc::new(payloads))
}

#[cfg(not(feature = "s3"))]
fn in_bucket(_session: &Session, _bucket: &str) -> Option<Arc<dyn PayloadStore>> {
    None
}
