use onecommit_environment::RetryPolicy;

/// How often an API sends a write that changes nothing more the second time, as a transaction with its token. A caller
/// waits meanwhile, and API Gateway gives up after 29 s.
pub const WRITES: RetryPolicy = RetryPolicy::new(4, 50, 1_000);
