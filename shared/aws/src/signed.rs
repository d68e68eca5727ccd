//! Requests to an API of API Gateway whose routes ask for `AWS_IAM`, signed with this process's own credentials
//! (Signature Version 4, <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).
//!
//! The caller's role needs `execute-api:Invoke` on the routes that it calls.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity as AwsIdentity;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use onecommit_client::{IDEMPOTENCY_KEY, Identity, IdentityError};
use onecommit_environment::Environment;

use crate::session::Session;

/// The service's name in signatures for API Gateway.
const EXECUTE_API: &str = "execute-api";

/// The most time that credentials are waited for.
const CREDENTIALS_WITHIN: Duration = Duration::from_secs(3);

/// Signs each attempt of a call. The signature covers the method, the path with its query, the host, the body, its content type, and
/// the idempotency key; it is valid for 5 minutes, and what identifies a call in traces is not part of it.
#[derive(Clone, Debug)]
pub struct SignedCaller {
    credentials: SharedCredentialsProvider,
    region: String,
    environment: Environment,
}

impl SignedCaller {
    /// Signs with the credentials of `session`, for APIs in its region.
    ///
    /// # Errors
    /// When the session has no credentials.
    pub fn new(session: &Session, environment: Environment) -> Result<Self, IdentityError> {
        let credentials = session.sdk_config().credentials_provider();
        Ok(Self {
            credentials: credentials.ok_or("this process has no credentials for AWS")?,
            region: session.region().to_string(),
            environment,
        })
    }
}

#[async_trait]
impl Identity for SignedCaller {
    fn principal(&self) -> &str {
        "aws"
    }

    async fn headers(&self, request: &Parts, body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, IdentityError> {
        let provided = self.credentials.provide_credentials();
        let provided = self.environment.within(CREDENTIALS_WITHIN, provided).await;
        let identity = AwsIdentity::from(provided.ok_or("credentials for AWS did not come in time")??);
        let now = u64::try_from(self.environment.clock().now().unix_ms()).unwrap_or_default();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(EXECUTE_API)
            .time(SystemTime::UNIX_EPOCH + Duration::from_millis(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let uri = request.uri.to_string();
        let covered = [http::header::CONTENT_TYPE, IDEMPOTENCY_KEY];
        let covered = covered.iter().filter_map(|name| {
            let value = request.headers.get(name)?.to_str().ok()?;
            Some((name.as_str(), value))
        });
        let request = SignableRequest::new(request.method.as_str(), uri, covered, SignableBody::Bytes(body))?;
        let (signed, _) = sign(request, &params)?.into_parts();
        signed
            .headers()
            .map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::try_from(value)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_credential_types::Credentials;
    use onecommit_config::Reader;
    use onecommit_environment::{Clock, SystemRandom, Timestamp};

    use super::*;

    struct Noon;

    #[async_trait]
    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::parse("2026-11-28T12:00:00Z").unwrap()
        }

        fn instant(&self) -> std::time::Instant {
            std::time::Instant::now()
        }

        async fn sleep(&self, _: Duration) {
            std::future::pending().await
        }
    }

    fn session() -> Session {
        let variables = [("AWS_REGION", "eu-central-1")];
        Session::read_all_but_credentials(&mut Reader::new(&variables))
    }

    /// The expected signature is botocore's 1.43 of the same request with the same credentials at the same time.
    #[tokio::test]
    async fn the_signature_is_that_of_the_official_sdk_for_python() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let session =
            session().with_credentials(Credentials::new("AKIDEXAMPLE", secret, Some("token".into()), None, "t"));
        let environment = Environment::new(Arc::new(Noon), Arc::new(SystemRandom));
        let caller = SignedCaller::new(&session, environment).unwrap();
        let uri = "https://abc.execute-api.eu-central-1.amazonaws.com/prod/orders/a%20b?x=1&after=%2F";
        let request = http::Request::post(uri)
            .header("content-type", "application/json")
            .header("idempotency-key", "k-1")
            .header("traceparent", "is not signed")
            .body(())
            .unwrap();
        let headers = caller.headers(&request.into_parts().0, br#"{"a":1}"#).await.unwrap();
        let value = |name: &str| {
            let header = headers.iter().find(|(header, _)| header.as_str() == name);
            header.map(|(_, value)| value.to_str().unwrap())
        };
        assert_eq!(value("x-amz-date"), Some("20261128T120000Z"));
        assert_eq!(value("x-amz-security-token"), Some("token"));
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/eu-central-1/execute-api/aws4_request, \
                             SignedHeaders=content-type;host;idempotency-key;x-amz-date;x-amz-security-token, \
                             Signature=0c0157e386a3c57166843055910d90581456cce6213150f747d777ee3046b69a";
        assert_eq!(value("authorization"), Some(authorization));
    }

    #[test]
    fn missing_credentials_are_reported() {
        let error = SignedCaller::new(&session(), Environment::system()).unwrap_err();
        assert!(error.to_string().contains("credentials"), "{error}");
    }
}
