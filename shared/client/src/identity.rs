use async_trait::async_trait;
use http::request::Parts;
use http::{HeaderName, HeaderValue};

/// Who the caller is to the service: the port behind which tokens, keys and signatures are made.
#[async_trait]
pub trait Identity: Send + Sync {
    /// For whom answers are cached: those of one principal are not given to another. It is no secret, and stays the same
    /// when a token is renewed.
    fn principal(&self) -> &str;

    /// The headers that prove it, for one attempt. Everything else of the request is there already, but for the number of
    /// the attempt.
    ///
    /// # Errors
    /// When there are no credentials now. The request is not sent then.
    async fn headers(&self, request: &Parts, body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, IdentityError>;
}

/// Why there are no credentials.
pub type IdentityError = Box<dyn std::error::Error + Send + Sync>;

/// A key that the service gave out, in `X-API-Key` or in a header of another name.
///
/// It is shown nowhere: the header is marked as sensitive, and its text is not part of `Debug`.
#[derive(Clone)]
pub struct ApiKey {
    header: HeaderName,
    key: HeaderValue,
}

/// Header of an API key.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

impl ApiKey {
    /// The key of this text.
    ///
    /// # Errors
    /// What it should have been. The text is not quoted.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let key = HeaderValue::from_str(text).ok().filter(|_| is_plain);
        Ok(Self {
            header: API_KEY,
            key: key.ok_or("an API key: printable ASCII without spaces")?,
        })
    }

    /// The same key in another header.
    #[must_use]
    pub fn in_header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ApiKey")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Identity for ApiKey {
    fn principal(&self) -> &str {
        "api-key"
    }

    async fn headers(&self, _request: &Parts, _body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, IdentityError> {
        Ok(vec![(self.header.clone(), self.key.clone())])
    }
}
