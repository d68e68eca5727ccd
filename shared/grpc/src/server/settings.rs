use std::time::Duration;

/// How a server is run.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    /// The longest time of a call, its stream included: 30 s if it is not set. What its caller asks for in `grpc-timeout` shortens it.
    pub call_within: Duration,
    /// The most calls at work in this process: 1,000 if it is not set. More are refused at once.
    pub calls_max: usize,
    /// The most calls at once on one connection: 100 if it is not set. More wait at the client.
    pub calls_per_connection_max: u32,
    /// The most bytes of a request's headers: 16 KiB if it is not set.
    pub header_bytes_max: u32,
    /// How long calls may take that were begun before the end: 20 s if it is not set.
    pub drain_within: Duration,
    /// How often the health that clients watch is asked for: every 2 s if it is not set.
    pub health_every: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            call_within: Duration::from_secs(30),
            calls_max: 1_000,
            calls_per_connection_max: 100,
            header_bytes_max: 16 << 10,
            drain_within: Duration::from_secs(20),
            health_every: Duration::from_secs(2),
        }
    }
}
