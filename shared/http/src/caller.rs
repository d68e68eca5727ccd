/// A caller with a rate of its own, as whoever knew it by its API key says: an extension of the request. It is never read
/// from what the caller sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The id of its key. Not a secret.
    pub key_id: String,
    /// How many requests per minute it may make.
    pub requests_per_minute: u32,
}
