use std::time::Duration;

use onecommit_engine::Backoff;

use crate::source::WAIT_MAX;

/// How a worker works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How many receive requests are open at once. Default: 4.
    pub receive_loops: usize,
    /// The most messages in flight: received and not yet settled. Default: 200.
    pub in_flight_max: usize,
    /// How long a request waits for a first message. Default: 20 s, the longest there is.
    pub receive_wait: Duration,
    /// How long a message stays hidden from others before the heartbeat has to hide it again; also how long it takes
    /// until another worker gets the messages of one that crashed. Default: 60 s.
    pub visibility: Duration,
    /// How long a finished message waits for others to be deleted in the same request. Default: 10 ms.
    pub delete_linger: Duration,
    /// The wait after a request for messages that failed. Default: up to 200 ms, doubling up to 30 s.
    pub receive_backoff: Backoff,
    /// The time to finish messages in flight after the request to end. Default: 20 s, which leaves a container with the
    /// usual 30 s some time to return the rest.
    pub drain_timeout: Duration,
    /// How often metrics are written. Default: every 10 s.
    pub metrics_interval: Duration,
}

onecommit_environment::setters!(Settings {
    receive_loops: usize,
    in_flight_max: usize,
    receive_wait: Duration,
    visibility: Duration,
    delete_linger: Duration,
    receive_backoff: Backoff,
    drain_timeout: Duration,
    metrics_interval: Duration,
});

impl Default for Settings {
    fn default() -> Self {
        Self {
            receive_loops: 4,
            in_flight_max: 200,
            receive_wait: WAIT_MAX,
            visibility: Duration::from_secs(60),
            delete_linger: Duration::from_millis(10),
            receive_backoff: Backoff {
                first: Duration::from_millis(200),
                longest: Duration::from_secs(30),
            },
            drain_timeout: Duration::from_secs(20),
            metrics_interval: Duration::from_secs(10),
        }
    }
}
