//! Bugs that sit inside pure logic, where no port is: each is a patch of the source.
//!
//! A patch is applied to a copy of the tree, and there the command that the patch names has to fail. A file of
//! `tests/proof/patches/` begins with what breaks and with that command; its name is the bug's.
//!
//! ```text
//! Bug: What was decided is taken back: a saga is cancelled after its pivot.
//! Test: --package onecommit-saga --lib machine::exhaustive
//!
//! --- a/shared/saga/src/machine/stepper.rs
//! +++ b/shared/saga/src/machine/stepper.rs
//! @@ -419,14 +419,11 @@
//! ```
//!
//! `Test:` stands for the arguments of `cargo test`, of which the last is the filter of the tests; `Scenario: NAME` for
//! `onecommit-proof explore NAME`. What each run came to is kept in `tests/proof/patches/results.json`, together with the
//! patch it belongs to, so that docs/reliability.md can be made without the builds.

mod copy;
mod patch;
mod record;
mod run;

use std::path::{Path, PathBuf};

pub use copy::{Copy, CopyError};
pub use patch::{Edited, Noticing, Patch, PatchError};
pub use record::{Record, Records, RecordsError};
pub use run::{Outcome, Ran, Runner};

/// The root of this tree.
#[must_use]
pub fn workspace() -> PathBuf {
    let proof = Path::new(env!("CARGO_MANIFEST_DIR"));
    proof.ancestors().nth(2).unwrap_or(proof).to_owned()
}

/// Where the patches are, below the root.
pub const FOLDER: &str = "tests/proof/patches";

/// All patches of a tree, by name.
///
/// # Errors
/// When the folder cannot be read, or a file there is not a patch.
pub fn all(workspace: &Path) -> Result<Vec<Patch>, PatchError> {
    let folder = workspace.join(FOLDER);
    let unreadable = |error| PatchError::Unreadable(folder.clone(), error);
    let mut patches = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            patches.push(Patch::read(&path)?);
        }
    }
    patches.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(patches)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn every_patch_applies_to_this_tree() {
        let patches = all(&workspace()).unwrap();
        assert!(!patches.is_empty());
        for patch in patches {
            let edited = patch.applied_to(&workspace());
            assert!(edited.is_ok_and(|files| !files.is_empty()), "{}", patch.name());
        }
    }

    #[test]
    fn every_patch_was_noticed_as_it_is_now() {
        let records = Records::read(&workspace()).unwrap();
        for patch in all(&workspace()).unwrap() {
            let again = format!(
                "run it: cargo run --package onecommit-proof -- patches {}",
                patch.name()
            );
            let record = records.of(&patch);
            assert!(record.is_some(), "{} has no result as it is now; {again}", patch.name());
        }
    }

    #[test]
    fn no_result_is_kept_of_a_patch_that_is_gone() {
        let patches = all(&workspace()).unwrap();
        let records = Records::read(&workspace()).unwrap();
        let is_there = |name: &str| patches.iter().any(|patch| patch.name() == name);
        assert!(
            records.names().all(is_there),
            "{:?}",
            records.names().collect::<Vec<_>>()
        );
    }
}
