use std::path::Path;

use serde_json::Value;

/// Set to anything, it has descriptions written instead of compared.
const WRITE: &str = "WRITE_OPENAPI";

/// Compares a description with the committed file, or writes it where `WRITE_OPENAPI` is set. For tests.
///
/// # Panics
/// When the file says something else than the code, or cannot be read or written.
#[allow(clippy::panic, clippy::expect_used, reason = "it is an assertion of tests")]
pub fn assert_committed(file: &Path, description: &Value) {
    let text = serde_json::to_string_pretty(description).expect("a description is JSON") + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, text).expect("the description can be written");
        return;
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not what the code says; write it with: make openapi",
        file.display()
    );
}
