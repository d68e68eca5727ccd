//! The correlation id of the request under way.

use std::future::Future;

tokio::task_local! {
    static CORRELATION_ID: String;
}

/// The longest correlation id that is taken from outside, in bytes: as long as an event's may be.
const BYTES_MAX: usize = 256;

/// Whether a correlation id from outside is one that events and log lines take: 1 to 256 visible ASCII characters.
#[must_use]
pub fn is_correlation_id(text: &str) -> bool {
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Does work on behalf of a request with this correlation id: events that start something meanwhile carry it.
pub async fn correlated<T>(id: String, work: impl Future<Output = T>) -> T {
    CORRELATION_ID.scope(id, work).await
}

/// The correlation id of the request under way, if there is one.
#[must_use]
pub fn correlation_id() -> Option<String> {
    CORRELATION_ID.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_holds_for_the_work_of_its_request_alone() {
        assert_eq!(correlation_id(), None);
        let seen = correlated("request-1".to_owned(), async { correlation_id() }).await;
        assert_eq!((seen.as_deref(), correlation_id()), (Some("request-1"), None));
    }

    #[test]
    fn long_and_odd_ids_are_refused() {
        for hostile in ["", "a b", "a\n", "é", &"x".repeat(257), &"x".repeat(10_240)] {
            assert!(!is_correlation_id(hostile), "{hostile:?}");
        }
        assert!(is_correlation_id(&"x".repeat(256)) && is_correlation_id("0192f0c1-5d3e"));
    }
}
