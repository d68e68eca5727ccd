use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, EXPIRES, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use onecommit_environment::Timestamp;

use super::settings::CacheSettings;
use crate::answer::Origin;

/// One answer that is kept.
#[derive(Clone)]
pub(super) struct Entry {
    policy: CachePolicy,
    response: Response<Bytes>,
    stored_at: Timestamp,
    fresh_for: Duration,
}

/// Whether an entry answers a request.
pub(super) enum Fit {
    /// It does.
    Fresh(Response<Bytes>),
    /// It does, once the service says that it still holds; asked so.
    Stale(Box<Parts>),
    /// It was an answer to another request.
    Other,
}

/// What the service said of an entry.
pub(super) enum Revalidated {
    /// It still holds, as renewed.
    Unchanged(Box<Entry>),
    /// There is another answer.
    Changed,
}

fn system_time(moment: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.unix_ms()).unwrap_or(0))
}

impl Entry {
    /// The answer, if it may be kept.
    pub(super) fn new(
        request: &Request<Bytes>,
        response: Response<Bytes>,
        settings: &CacheSettings,
        now: Timestamp,
    ) -> Option<Self> {
        const OPTIONS: CacheOptions = CacheOptions {
            // One program's own: the key keeps principals apart.
            shared: false,
            cache_heuristic: 0.0,
            immutable_min_time_to_live: Duration::from_secs(24 * 3_600),
            ignore_cargo_cult: false,
        };
        let (mut parts, body) = response.into_parts();
        give_time(&mut parts.headers, settings.fresh_for);
        let policy = CachePolicy::new_options(request, &parts, system_time(now), OPTIONS);
        policy
            .is_storable()
            .then(|| Self::of(policy, Response::from_parts(parts, body), now))
    }

    fn of(policy: CachePolicy, response: Response<Bytes>, now: Timestamp) -> Self {
        Self {
            fresh_for: policy.time_to_live(system_time(now)),
            policy,
            response,
            stored_at: now,
        }
    }

    pub(super) fn fit(&self, request: &Request<Bytes>, now: Timestamp) -> Fit {
        match self.policy.before_request(request, system_time(now)) {
            BeforeRequest::Fresh(_) => {
                let age = self.policy.age(system_time(now));
                Fit::Fresh(self.answer(Origin::Cache { age }))
            }
            BeforeRequest::Stale { request, matches: true } => Fit::Stale(Box::new(request)),
            BeforeRequest::Stale { .. } => Fit::Other,
        }
    }

    /// What becomes of the entry by the service's answer to the question whether it still holds.
    pub(super) fn revalidated(
        &self,
        request: &Request<Bytes>,
        answer: &Response<Bytes>,
        now: Timestamp,
    ) -> Revalidated {
        match self.policy.after_response(request, answer, system_time(now)) {
            AfterResponse::NotModified(policy, _) => {
                Revalidated::Unchanged(Box::new(Self::of(policy, self.response.clone(), now)))
            }
            AfterResponse::Modified(..) => Revalidated::Changed,
        }
    }

    /// The entry as a stale answer, as long as it is not past its time by more than `bound`, or than the service allows in
    /// `directive`.
    pub(super) fn stale(&self, bound: Duration, directive: &str, now: Timestamp) -> Option<Response<Bytes>> {
        let headers = self.response.headers();
        if ["must-revalidate", "proxy-revalidate", "no-cache"]
            .iter()
            .any(|forbidding| value_of(headers, forbidding).is_some())
        {
            return None;
        }
        let allowed = value_of(headers, directive).and_then(|seconds| seconds.parse().ok());
        let bound = allowed.map_or(bound, |seconds| bound.min(Duration::from_secs(seconds)));
        let past = now.since(self.stored_at).checked_sub(self.fresh_for)?;
        let age = self.policy.age(system_time(now));
        (past <= bound).then(|| self.answer(Origin::Stale { age }))
    }

    pub(super) fn answer(&self, origin: Origin) -> Response<Bytes> {
        let mut answer = self.response.clone();
        answer.extensions_mut().insert(origin);
        answer
    }

    pub(super) fn bytes(&self) -> usize {
        self.response.body().len()
    }
}

/// Gives an answer the time for which it is kept when the service says nothing of it.
fn give_time(headers: &mut HeaderMap, fresh_for: Duration) {
    const SAID: [&str; 4] = ["max-age", "s-maxage", "no-store", "no-cache"];
    if headers.contains_key(EXPIRES) || SAID.iter().any(|directive| value_of(headers, directive).is_some()) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(format!("max-age={}", fresh_for.as_secs())) {
        headers.append(CACHE_CONTROL, value);
    }
}

/// The value of a directive of `Cache-Control`, empty when it has none; nothing when it is not there.
fn value_of<'a>(headers: &'a HeaderMap, directive: &str) -> Option<&'a str> {
    let values = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    directives.find_map(|said| {
        let (name, value) = said.split_once('=').unwrap_or((said, ""));
        name.trim()
            .eq_ignore_ascii_case(directive)
            .then(|| value.trim().trim_matches('"'))
    })
}
