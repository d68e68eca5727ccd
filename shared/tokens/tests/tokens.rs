//! What service tokens and user sessions promise, and the known attacks on them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod tokens {
    mod attacks;
    mod forging;
    mod jwks;
    mod signing;
    mod verifying;
}
