//! How this process reaches AWS: region, credentials, endpoints, TLS.
//!
//! A Lambda function finds all of it in its environment, so nothing is looked up on disk or over the network, and no
//! certificate is read before the first connection: over half of a small function's cold start would otherwise go
//! into the system's root certificates.

mod endpoints;
mod failure;
mod http;
mod messages;
mod roots;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use endpoints::Endpoints;
pub use failure::{RequestFailure, denies, describe, describe_answer};
pub use messages::{fifo_id, is_attribute, is_attribute_name};
use onecommit_config::{Reader, Setting};
use roots::CaBundle;

const REGION: Setting = Setting::required("AWS_REGION", "AWS region; Lambda sets it");
const ACCESS_KEY: Setting = Setting::required("AWS_ACCESS_KEY_ID", "Access key; Lambda sets it");
const SECRET_KEY: Setting = Setting::required("AWS_SECRET_ACCESS_KEY", "Secret key; Lambda sets it");
const SESSION_TOKEN: Setting = Setting::optional("AWS_SESSION_TOKEN", "", "Session token; Lambda sets it");
const CA_BUNDLE: Setting = Setting::optional(
    "AWS_CA_BUNDLE",
    "",
    "File of PEM root certificates, instead of the built-in ones of AWS",
);
const REQUEST_TIMEOUT: Setting = Setting::optional(
    "AWS_REQUEST_TIMEOUT_MS",
    "5000",
    "Milliseconds after which a request to AWS counts as lost",
);

/// The longest that a connection may take to come about.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(3);

/// What every AWS client of this process shares.
#[derive(Clone, Debug)]
pub struct Session {
    region: String,
    endpoints: Endpoints,
    ca_bundle: Option<CaBundle>,
    credentials: Option<SharedCredentialsProvider>,
    request_timeout: Duration,
}

impl Session {
    /// The variables that say where single services are.
    pub fn endpoint_variables() -> impl Iterator<Item = &'static str> {
        endpoints::OF_SERVICES.iter().map(|(_, variable)| *variable)
    }

    /// Reads what a Lambda function finds in its environment.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let (access_key, secret_key) = (reader.text(&ACCESS_KEY), reader.text(&SECRET_KEY));
        let token = reader.text_if_set(&SESSION_TOKEN);
        let credentials = Credentials::new(access_key, secret_key, token, None, "environment");
        Self::read_all_but_credentials(reader).with_credentials(credentials)
    }

    /// Reads everything but who this process is to AWS, for processes that find that elsewhere.
    pub fn read_all_but_credentials(reader: &mut Reader<'_>) -> Self {
        Self {
            region: reader.text(&REGION),
            endpoints: Endpoints::read(reader),
            ca_bundle: reader.parsed(&CA_BUNDLE, CaBundle::read),
            credentials: None,
            request_timeout: Duration::from_millis(reader.whole_number(&REQUEST_TIMEOUT, 100..=120_000)),
        }
    }

    /// With credentials from `provider`, which is asked again before they expire.
    #[must_use]
    pub fn with_credentials(mut self, provider: impl ProvideCredentials + 'static) -> Self {
        self.credentials = Some(SharedCredentialsProvider::new(provider));
        self
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::new(self.region.clone())
    }

    /// How long until a request counts as lost.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// What bounds a request: nothing is waited for without a limit.
    #[must_use]
    pub fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.request_timeout.min(CONNECT_TIMEOUT_MAX))
            .operation_attempt_timeout(self.request_timeout)
            .build()
    }

    /// A client that speaks TLS, wherever the endpoint is: for whatever is asked about credentials.
    #[must_use]
    pub fn https_client(&self) -> SharedHttpClient {
        http::with_tls(self.ca_bundle.as_ref())
    }

    /// Where a service is, by the id that AWS gives it, such as `S3`; `None` is the region's own address.
    #[must_use]
    pub fn endpoint(&self, service_id: &str) -> Option<&str> {
        self.endpoints.of(service_id)
    }

    /// The configuration for the SDK's clients.
    ///
    /// They never retry: what is worth another request is decided, and counted, by whoever asks.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is where every wait gets its limit")]
    pub fn sdk_config(&self) -> SdkConfig {
        let client = match self.endpoints.are_plain() {
            true => http::plain(),
            false => self.https_client(),
        };
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region())
            .http_client(client)
            .retry_config(RetryConfig::disabled())
            .timeout_config(self.timeouts())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new());
        config.set_endpoint_url(self.endpoints.of_all().map(str::to_owned));
        config.set_service_config(Some(self.endpoints.clone()));
        config.set_credentials_provider(self.credentials.clone());
        config.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_not_pem_is_named_at_start() {
        let path = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let variables = [("AWS_REGION", "eu-central-1"), ("AWS_CA_BUNDLE", path.as_str())];
        let mut reader = Reader::new(&variables);
        Session::read_all_but_credentials(&mut reader);
        let error = reader.finish().unwrap_err().to_string();
        assert!(error.contains("AWS_CA_BUNDLE") && error.contains("PEM"), "{error}");
    }
}
