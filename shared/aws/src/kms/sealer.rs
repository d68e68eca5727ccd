use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{Table, Tables};
use onecommit_environment::Environment;
use onecommit_sealing::Sealer;

use crate::KmsKeyWrap;
use crate::session::Session;

/// How long a function remembers a person's key after it was read: a person who is forgotten elsewhere can be read by a
/// function for so much longer, and no longer. It covers the rows of a page and the retries of a batch.
pub const KEYS_KEPT_FOR: Duration = Duration::from_secs(10);

/// The sealer of a function: keys in `subject_keys`, remembered for [`KEYS_KEPT_FOR`], and wrapped with `kms_key` where one
/// is named.
#[must_use]
pub fn sealer(
    tables: Arc<dyn Tables>,
    subject_keys: Table,
    session: &Session,
    kms_key: Option<String>,
    environment: Environment,
) -> Sealer {
    let sealer = Sealer::new(tables, subject_keys, environment).with_cache(KEYS_KEPT_FOR);
    match kms_key {
        Some(key) => sealer.wrapping_keys_with(Arc::new(KmsKeyWrap::new(session.clone(), key))),
        None => sealer,
    }
}
