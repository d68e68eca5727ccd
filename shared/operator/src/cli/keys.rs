//! The commands on API keys.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use onecommit_environment::Timestamp;
use onecommit_tokens::{ApiKeyId, RATE_PER_MINUTE_DEFAULT, Scopes};

use super::time;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make an API key and print it. It cannot be printed again.
    Create(CreateKey),
    /// Print what is known of the API keys. The keys themselves are not.
    List,
    /// Take an API key back, for good. Where it is kept, it is refused after 60 s.
    Revoke(RevokeKey),
    /// Make a key in place of another, which is accepted for a while longer, and print it.
    Rotate(RotateKey),
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// What people call it, for example the partner and the program that will use it.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// What it may be used for, with blanks between scopes: `'parcels:read parcels:write'`.
    #[arg(long, value_name = "SCOPES", value_parser = scopes)]
    pub(crate) scopes: Scopes,
    /// How many requests it may make in a minute.
    #[arg(long, value_name = "N", default_value_t = RATE_PER_MINUTE_DEFAULT, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_minute: u32,
    /// When it ends: `2027-11-22T07:00:00Z`. Without it, it does not end by itself.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    /// The key's id: the part between `ock_` and the dot.
    #[arg(value_parser = key_id)]
    pub(crate) key: ApiKeyId,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RotateKey {
    /// The key's id: the part between `ock_` and the dot.
    #[arg(value_parser = key_id)]
    pub(crate) key: ApiKeyId,
    /// How many hours the old key is accepted beside the new one.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=2160))]
    pub(crate) overlap_hours: u32,
}

impl RotateKey {
    pub(crate) fn overlap(&self) -> Duration {
        Duration::from_secs(u64::from(self.overlap_hours) * 3600)
    }
}

fn scopes(text: &str) -> Result<Scopes, String> {
    Scopes::parse(text).map_err(|error| error.to_string())
}

/// A whole key is not taken for its id, and not repeated in the error.
fn key_id(text: &str) -> Result<ApiKeyId, String> {
    text.parse::<ApiKeyId>().map_err(|error| error.to_string())
}
