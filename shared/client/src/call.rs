use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use onecommit_resilience::Deadline;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::answer::{Answer, Check, Origin, check, read};
use crate::cache::CacheUse;
use crate::caller::Caller;
use crate::error::CallError;
use crate::exchange::{Attempts, Until};
use crate::headers::{IDEMPOTENCY_KEY, checked};
use crate::path;
use crate::traces;
use crate::trouble::{InvalidRequest, Trouble};

/// A call that is sent when it is awaited.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T> {
    caller: Caller,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// The first thing that is wrong with the request.
    wrong: Option<InvalidRequest>,
    cache: CacheUse,
    limit: Duration,
    value: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub(crate) fn new(
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<Result<Vec<u8>, serde_json::Error>>,
    ) -> Self {
        let (body, wrong) = match body.transpose() {
            Ok(body) => (body, None),
            Err(_) => (None, Some(InvalidRequest::Body)),
        };
        Self {
            caller: caller.clone(),
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body,
            wrong,
            cache: CacheUse::On,
            limit: caller.settings.answer_within,
            value: PhantomData,
        }
    }

    /// With this header. A name or value that is not a header's ends the call before anything is sent.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match checked(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(wrong) => {
                self.wrong.get_or_insert(wrong);
            }
        }
        self
    }

    /// With this key, the same on every attempt, by which the service recognises the request: it may be sent again.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY.as_str(), key)
    }

    /// Without the cache: neither answered from it nor kept in it.
    pub fn without_cache(mut self) -> Self {
        self.cache = CacheUse::Off;
        self
    }

    /// With this limit over all attempts, in place of the client's. The caller's own time still shortens it.
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn request(self) -> Result<Request<Bytes>, InvalidRequest> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        path::check(&self.path)?;
        let uri: Uri = self.path.parse().map_err(|_| InvalidRequest::Path("is not one"))?;
        let has_body = self.body.is_some();
        let mut request = Request::new(Bytes::from(self.body.unwrap_or_default()));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        let mut headers = self.headers;
        self.caller.context.write(&mut headers);
        headers.entry(ACCEPT).or_insert(JSON);
        if has_body {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl<T: DeserializeOwned + Send + 'static> Call<T> {
    /// The answer, with its status, its headers and where it comes from.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn answer(self) -> Result<Answer<T>, CallError> {
        let caller = &self.caller;
        let span = traces::span_of(&caller.service, &self.method, &caller.context, &caller.environment);
        let attempts = Attempts::default();
        let answer = self.exchange(attempts.clone()).instrument(span.clone()).await;
        let status = answer.as_ref().map(|answer| answer.status);
        traces::note(&span, attempts.made(), status.map_err(CallError::trouble));
        answer
    }

    async fn exchange(mut self, attempts: Attempts) -> Result<Answer<T>, CallError> {
        let tracer = self.caller.environment.tracer();
        if let Some((place, tracer)) = tracer.and_then(|tracer| Some((tracer.current()?, tracer))) {
            let xray = tracer.write_xray(&place);
            self.caller.context = self.caller.context.at(place).shown_to_xray(xray);
        }
        let (caller, cache, limit) = (self.caller.clone(), self.cache, self.limit);
        let failed = |trouble| CallError::new(caller.service.clone(), attempts.made(), trouble);
        let mut request = self.request().map_err(|wrong| failed(Trouble::InvalidRequest(wrong)))?;
        let clock = caller.environment.clock();
        let limit = limit.min(caller.context.deadline().remaining(clock));
        let until = Until {
            deadline: Deadline::after(limit, clock),
            limit,
        };
        let is_cached = cache == CacheUse::On && caller.settings.cache.is_some();
        let extensions = request.extensions_mut();
        extensions.insert(until);
        extensions.insert(attempts.clone());
        extensions.insert(cache);
        if is_cached {
            // What cannot be read is not kept.
            extensions.insert(Check(check::<T>));
        }
        let answer = caller.steps.exchange(request).await.map_err(failed)?;
        let value = read(answer.body()).map_err(|error| failed(Trouble::Drift(error)))?;
        let (mut parts, _) = answer.into_parts();
        Ok(Answer {
            value,
            status: parts.status,
            origin: parts.extensions.remove::<Origin>().unwrap_or_default(),
            headers: parts.headers,
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Call<T> {
    type Output = Result<T, CallError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// The value alone.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.answer().await?.value) })
    }
}
