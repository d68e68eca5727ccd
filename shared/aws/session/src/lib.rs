//! How this process reaches AWS: region, credentials, endpoints, TLS.
//!
//! A Lambda function finds all of it in its environment, so nothing is looked up on disk or over the network, and no
//! certificate is read before the first connection: over half of a small function's cold start would otherwise go
//! into the system's root certificates.

mod failure;
mod http;
mod messages;

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
pub use failure::{RequestFailure, denies};
pub use messages::{fifo_id, is_attribute, is_attribute_name};
use onecommit_config::{Reader, Setting};

const REGION: Setting = Setting::required("AWS_REGION", "AWS region; Lambda sets it");
const ACCESS_KEY: Setting = Setting::required("AWS_ACCESS_KEY_ID", "Access key; Lambda sets it");
const SECRET_KEY: Setting = Setting::required("AWS_SECRET_ACCESS_KEY", "Secret key; Lambda sets it");
const SESSION_TOKEN: Setting = Setting::optional("AWS_SESSION_TOKEN", "", "Session token; Lambda sets it");
const ENDPOINT: Setting = Setting::optional(
    "AWS_ENDPOINT_URL",
    "",
    "Where AWS is, instead of the region's own address",
);
const CA_BUNDLE: Setting = Setting::optional(
    "AWS_CA_BUNDLE",
    "",
    "File of PEM root certificates, instead of the built-in ones of AWS",
);
const REQUEST_TIMEOUT: Setting = Setting::optional(
    "AWS_REQUEST_TIMEOUT_MS",
    "5000",
    "Milliseconds until a request to AWS counts as lost",
);

/// What every AWS client of this process shares.
#[derive(Clone, Debug)]
pub struct Session {
    region: String,
    endpoint: Option<String>,
    ca_bundle: Option<Vec<u8>>,
    credentials: Option<SharedCredentialsProvider>,
    request_timeout: Duration,
}

impl Session {
    /// The settings read by [`Session::read`], for the documentation.
    pub const SETTINGS: [Setting; 7] = [
        REGION,
        ACCESS_KEY,
        SECRET_KEY,
        SESSION_TOKEN,
        ENDPOINT,
        CA_BUNDLE,
        REQUEST_TIMEOUT,
    ];

    /// The settings read by [`Session::read_all_but_credentials`], for the documentation.
    pub const SETTINGS_BUT_CREDENTIALS: [Setting; 4] = [REGION, ENDPOINT, CA_BUNDLE, REQUEST_TIMEOUT];

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
            endpoint: reader.text_if_set(&ENDPOINT),
            ca_bundle: reader.parsed(&CA_BUNDLE, |path| {
                std::fs::read(path).map_err(|error| format!("a readable file ({error})"))
            }),
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

    /// A client that speaks TLS, wherever the endpoint is: for whatever is asked about credentials.
    #[must_use]
    pub fn https_client(&self) -> SharedHttpClient {
        http::client(None, self.ca_bundle.clone())
    }

    /// The configuration for the SDK's clients.
    ///
    /// They never retry: what is worth another request is decided, and counted, by whoever asks.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.request_timeout.min(Duration::from_secs(3)))
            .operation_attempt_timeout(self.request_timeout)
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region())
            .http_client(http::client(self.endpoint.as_deref(), self.ca_bundle.clone()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new());
        config.set_endpoint_url(self.endpoint.clone());
        config.set_credentials_provider(self.credentials.clone());
        config.build()
    }
}
