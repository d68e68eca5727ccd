use onecommit_engine::Deadline;

use crate::failure::Repetition;

/// What layers have to know of a request. The type that says it is the caller's own, so that the request may be anybody's.
pub trait Describe<Request>: Clone + Send + Sync + 'static {
    /// Until when an answer is of use, over all attempts.
    fn deadline(&self, request: &Request) -> Deadline;

    /// Whether it may be sent again after it may have taken effect.
    fn repetition(&self, request: &Request) -> Repetition;

    /// Whether it changes nothing at the other side, so that it may be sent twice at the same time.
    fn is_read(&self, request: &Request) -> bool;

    /// The same request as attempt number `attempt`, 1 for the first; `None` when it cannot be copied.
    fn attempt(&self, request: &Request, attempt: u32) -> Option<Request>;
}
