//! What API keys promise, on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod api_keys {
    mod bad_input;
    mod changing;
    mod crashes;
    mod fixture;
    mod using;
}
