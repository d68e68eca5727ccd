use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;

/// Where the keys of persons are.
pub const SUBJECT_KEYS_TABLE_NAME: Setting = Setting::required(
    "SUBJECT_KEYS_TABLE_NAME",
    "Table of the keys that personal data is sealed with",
);
const SUBJECT_KEYS_KMS_KEY: Setting = Setting::optional(
    "SUBJECT_KEYS_KMS_KEY",
    "",
    "ARN of a KMS key that wraps those keys; without it they are stored unwrapped",
);

/// What a context needs to know that seals personal data.
#[derive(Debug)]
pub struct SealingConfig {
    /// The table of keys.
    pub subject_keys: Table,
    /// What wraps them.
    pub kms_key: Option<String>,
}

impl SealingConfig {
    /// Reads it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            subject_keys: Table::new(reader.text(&SUBJECT_KEYS_TABLE_NAME)),
            kms_key: reader.text_if_set(&SUBJECT_KEYS_KMS_KEY),
        }
    }
}
