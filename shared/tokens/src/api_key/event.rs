use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

/// The aggregate type of API keys: their events are in the streams `ApiKey#<id>`.
pub const API_KEY: &str = "ApiKey";

/// An API key was made. No event holds the key, its secret or its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyCreated {
    /// What it is called by people.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// How many requests per minute it may make.
    pub rate_per_minute: u32,
    /// When it ends, in RFC 3339; without it, not by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// The id of the key whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<String>,
}

impl Payload for ApiKeyCreated {
    const EVENT_TYPE: &'static str = "ApiKeyCreated";
}

/// An API key was taken back: it is refused from now on, and after 60 s also where it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyRevoked {
    /// Who took it back.
    pub revoked_by: String,
}

impl Payload for ApiKeyRevoked {
    const EVENT_TYPE: &'static str = "ApiKeyRevoked";
}

/// Another API key takes the place of this one, which ends after an overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyRotated {
    /// The id of the key that takes its place.
    pub rotated_to: String,
    /// When this one ends, in RFC 3339.
    pub ends_at: String,
    /// Who asked for it.
    pub rotated_by: String,
}

impl Payload for ApiKeyRotated {
    const EVENT_TYPE: &'static str = "ApiKeyRotated";
}
