use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use onecommit_environment::Environment;
use tower::{Service, ServiceExt};
use tracing::{debug, warn};

use super::entry::{Entry, Fit, Revalidated};
use super::flights::{Flights, Landed};
use super::key::{FlightKey, Key};
use super::settings::{CacheSettings, CacheUse};
use super::store::Store;
use crate::answer::Origin;
use crate::exchange::{Exchanged, Step, Until};
use crate::trouble::Trouble;

/// The answers that clones of a client share.
pub(crate) struct ResponseCache {
    settings: CacheSettings,
    store: Store,
    flights: Flights,
    environment: Environment,
    principal: String,
}

impl ResponseCache {
    pub(crate) fn new(settings: CacheSettings, environment: Environment, principal: String) -> Self {
        Self {
            store: Store::new(&settings),
            flights: Flights::default(),
            settings,
            environment,
            principal,
        }
    }
}

/// Answers from the cache where it may, and asks the service once for callers of the same.
#[derive(Clone)]
pub(crate) struct Cached<S> {
    inner: S,
    cache: Arc<ResponseCache>,
}

impl<S> Cached<S> {
    pub(crate) fn new(inner: S, cache: Arc<ResponseCache>) -> Self {
        Self { inner, cache }
    }
}

impl<S: Step> Service<Request<Bytes>> for Cached<S> {
    type Response = Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Exchanged {
        let is_off = request.extensions().get() == Some(&CacheUse::Off);
        if is_off && request.method() == Method::GET {
            return Box::pin(self.inner.call(request));
        }
        let cached = self.clone();
        if request.method() == Method::GET {
            Box::pin(cached.get(request))
        } else {
            Box::pin(cached.change(request))
        }
    }
}

impl<S: Step> Cached<S> {
    /// What was changed, or may have been, is not answered from before.
    async fn change(self, request: Request<Bytes>) -> Landed {
        let as_get = {
            let mut as_get = Request::new(Bytes::new());
            *as_get.uri_mut() = request.uri().clone();
            *as_get.headers_mut() = request.headers().clone();
            as_get
        };
        let key = Key::of(&as_get, &self.cache.principal);
        let answer = self.inner.oneshot(request).await;
        self.cache.store.forget(&key);
        answer
    }

    async fn get(self, request: Request<Bytes>) -> Landed {
        let key = Key::of(&request, &self.cache.principal);
        let now = self.cache.environment.clock().now();
        let stale = match self.cache.store.find(&key, &request, now) {
            Some((_, Fit::Fresh(answer))) => return Ok(answer),
            Some((entry, Fit::Stale(asking))) => Some((entry, asking)),
            Some((_, Fit::Other)) | None => None,
        };
        let entry = stale.as_ref().map(|(entry, _)| entry.clone());
        let settings = &self.cache.settings;
        let meanwhile = entry
            .as_ref()
            .and_then(|entry| entry.stale(settings.stale_while_revalidate, "stale-while-revalidate", now));
        if let Some(answer) = meanwhile {
            let refreshed = self.clone().shared(key, request, stale);
            tokio::spawn(async move {
                if let Err(trouble) = refreshed.await {
                    debug!(error = %trouble, "cached answer could not be renewed; it is given as stale within its bound");
                }
            });
            return Ok(answer);
        }
        let (cache, asked) = (self.cache.clone(), key.clone());
        match self.shared(key, request, stale).await {
            Err(trouble) if trouble.is_outage() => {
                let now = cache.environment.clock().now();
                let bound = cache.settings.stale_if_error;
                let stand_in = entry.and_then(|entry| entry.stale(bound, "stale-if-error", now));
                let answer = stand_in.ok_or_else(|| trouble.clone())?;
                warn!(error = %trouble, "service is not working; its last answer is given, marked as stale");
                Ok(answer)
            }
            Err(trouble) if is_gone(&trouble) => {
                cache.store.forget(&asked);
                Err(trouble)
            }
            landed => landed,
        }
    }

    /// Asks together with others that ask the same. A caller that joined another's request, and has more time left than the
    /// other had, asks again by itself.
    async fn shared(
        self,
        key: Key,
        request: Request<Bytes>,
        stale: Option<(Entry, Box<http::request::Parts>)>,
    ) -> Landed {
        let until = request.extensions().get::<Until>().copied();
        let flight_key = FlightKey::of(&key, request.headers());
        let (cached, begun) = (self.clone(), (key.clone(), request.clone(), stale.clone()));
        let flight = self.cache.flights.join(flight_key, || {
            let (key, request, stale) = begun;
            Box::pin(cached.ask(key, request, stale))
        });
        if !flight.is_joined {
            return flight.answer.await;
        }
        let environment = self.cache.environment.clone();
        let landed = match until {
            None => flight.answer.await,
            Some(until) => {
                let landed = environment.within(until.remaining(&environment), flight.answer).await;
                landed.unwrap_or(Err(Trouble::TimedOut(until.limit)))
            }
        };
        match landed {
            Err(Trouble::TimedOut(_)) if until.is_none_or(|until| !until.remaining(&environment).is_zero()) => {
                self.ask(key, request, stale).await
            }
            landed => landed,
        }
    }

    async fn ask(self, key: Key, request: Request<Bytes>, stale: Option<(Entry, Box<http::request::Parts>)>) -> Landed {
        let Some((entry, asking)) = stale else {
            return self.fetch(key, request).await;
        };
        let mut conditional = request.clone();
        *conditional.headers_mut() = asking.headers;
        let answer = self.inner.clone().oneshot(conditional).await?;
        let now = self.cache.environment.clock().now();
        match entry.revalidated(&request, &answer, now) {
            Revalidated::Unchanged(renewed) => {
                let answer = renewed.answer(Origin::Cache {
                    age: std::time::Duration::ZERO,
                });
                self.cache.store.put(key, &request, *renewed, now);
                Ok(answer)
            }
            // "Unchanged", and yet about another version than ours.
            Revalidated::Changed if answer.status() == StatusCode::NOT_MODIFIED => self.fetch(key, request).await,
            Revalidated::Changed => {
                self.cache.keep(key, &request, &answer);
                Ok(answer)
            }
        }
    }

    async fn fetch(self, key: Key, request: Request<Bytes>) -> Landed {
        let answer = self.inner.oneshot(request.clone()).await?;
        self.cache.keep(key, &request, &answer);
        Ok(answer)
    }
}

/// Whether the service says that there is nothing any more, so that nothing stands in for it later.
fn is_gone(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Status(refusal) if [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&refusal.status))
}

impl ResponseCache {
    fn keep(&self, key: Key, request: &Request<Bytes>, answer: &Response<Bytes>) {
        let now = self.environment.clock().now();
        match Entry::new(request, answer.clone(), &self.settings, now) {
            Some(entry) => self.store.put(key, request, entry, now),
            None => self.store.forget(&key),
        }
    }
}
