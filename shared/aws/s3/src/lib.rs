//! Payloads too large for a message, on S3.

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use onecommit_aws_session::{RequestFailure, Session};
use onecommit_claim_check::{PayloadStore, StoreError};

/// A bucket that keeps payloads. Its lifecycle has to delete them later than any message can come back: 28 days.
pub struct S3Payloads {
    session: Session,
    bucket: String,
    client: OnceLock<Client>,
}

impl S3Payloads {
    /// A bucket by its name. The client is made for the first payload: most functions never see one.
    #[must_use]
    pub fn new(session: Session, bucket: String) -> Self {
        Self {
            session,
            bucket,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let config = self.session.sdk_config();
            // A local AWS has one address, not one per bucket.
            let path_style = self.session.endpoint("S3").is_some();
            Client::from_conf(Builder::from(&config).force_path_style(path_style).build())
        })
    }
}

#[async_trait]
impl PayloadStore for S3Payloads {
    fn name(&self) -> &str {
        &self.bucket
    }

    async fn put(&self, key: &str, payload: &str) -> Result<(), StoreError> {
        let body = payload.as_bytes().to_vec().into();
        let request = self.client().put_object().bucket(&self.bucket).key(key);
        let request = request.content_type("application/json").body(body);
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| of_request(error.into()))
    }

    async fn get(&self, key: &str) -> Result<String, StoreError> {
        let answer = self
            .client()
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| of_request(error.into()))?;
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| StoreError::Transient(error.into()))?;
        String::from_utf8(bytes.to_vec()).map_err(|error| StoreError::Gone(error.into()))
    }
}

fn of_request(failure: RequestFailure) -> StoreError {
    let gone = ["NoSuchKey", "NoSuchBucket", "AccessDenied", "InvalidObjectState"];
    match failure.code.as_deref() {
        Some(code) if gone.contains(&code) => StoreError::Gone(failure.description.into()),
        _ => StoreError::Transient(failure.description.into()),
    }
}
