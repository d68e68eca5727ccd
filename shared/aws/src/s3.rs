//! Payloads too large for a message, on S3.

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use onecommit_event::claim_check::{PayloadStore, StoreError};

use crate::session::{RequestFailure, Session};

/// There is an object under this key
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
const PRECONDITION_FAILED: &str = "PreconditionFailed";
/// From stores that speak S3 and know no conditional writes.
const NOT_IMPLEMENTED: &str = "NotImplemented";

/// A bucket that keeps payloads. Its lifecycle has to keep them for as long as events are to be redriven: a payload that is
/// gone parks its event.
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

    async fn put_if_absent(&self, key: &str, payload: &str, only_if_absent: bool) -> Result<(), RequestFailure> {
        let body = payload.as_bytes().to_vec().into();
        let request = self.client().put_object().bucket(&self.bucket).key(key);
        let request = request.content_type("application/json").body(body);
        let request = request.set_if_none_match(only_if_absent.then(|| "*".to_owned()));
        request.send().await.map(|_| ()).map_err(RequestFailure::from)
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
        match self.put_if_absent(key, payload, true).await {
            Err(failure) if failure.code.as_deref() == Some(PRECONDITION_FAILED) => Ok(()),
            Err(failure) if failure.code.as_deref() == Some(NOT_IMPLEMENTED) => {
                let put = self.put_if_absent(key, payload, false).await;
                put.map_err(of_request)
            }
            put => put.map_err(of_request),
        }
    }

    async fn get(&self, key: &str, bytes: u64) -> Result<String, StoreError> {
        let answer = self
            .client()
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| of_request(error.into()))?;
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        if length.is_some_and(|length| length != bytes) {
            return Err(another_length(bytes));
        }
        let mut body = answer.body;
        let mut payload = Vec::new();
        while let Some(part) = body.next().await {
            payload.extend(part.map_err(|error| StoreError::Transient(error.into()))?);
            if payload.len() as u64 > bytes {
                return Err(another_length(bytes));
            }
        }
        String::from_utf8(payload).map_err(|error| StoreError::Gone(error.into()))
    }
}

fn another_length(bytes: u64) -> StoreError {
    StoreError::Gone(format!("the length of the object is not the {bytes} bytes that its claim check states").into())
}

fn of_request(failure: RequestFailure) -> StoreError {
    // A bucket or a permission that is missing says nothing about the payload: somebody has to bring it back.
    let gone = ["NoSuchKey", "InvalidObjectState"];
    match failure.code.as_deref() {
        Some(code) if gone.contains(&code) => StoreError::Gone(failure.description.into()),
        _ => StoreError::Transient(failure.description.into()),
    }
}
