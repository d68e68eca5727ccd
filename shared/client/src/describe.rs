use bytes::Bytes;
use http::{Method, Request};
use onecommit_resilience::layers::Describe;
use onecommit_resilience::{Deadline, Repetition};

use crate::exchange::Until;
use crate::headers::IDEMPOTENCY_KEY;

/// What layers of others have to know of a request.
#[derive(Clone, Copy)]
pub(crate) struct Requests;

impl Describe<Request<Bytes>> for Requests {
    fn deadline(&self, request: &Request<Bytes>) -> Deadline {
        let until = request.extensions().get::<Until>();
        until.map_or_else(Deadline::none, |until| until.deadline)
    }

    /// What may be sent twice: a method that changes nothing more the second time (RFC 9110, section 9.2.2), or a request
    /// with a key by which the service recognises it.
    fn repetition(&self, request: &Request<Bytes>) -> Repetition {
        let idempotent = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS];
        if idempotent.contains(request.method()) || request.headers().contains_key(IDEMPOTENCY_KEY) {
            Repetition::Safe
        } else {
            Repetition::OnlyIfNeverSent
        }
    }

    fn is_read(&self, request: &Request<Bytes>) -> bool {
        [Method::GET, Method::HEAD].contains(request.method())
    }

    fn attempt(&self, request: &Request<Bytes>, _attempt: u32) -> Option<Request<Bytes>> {
        Some(request.clone())
    }
}
