use std::fmt;
use std::path::{Path, PathBuf};

use diffy::patch_set::{ParseOptions, PatchSet};
use sha2::{Digest, Sha256};

/// A bug that is a patch of the source.
#[derive(Clone, Debug)]
pub struct Patch {
    name: String,
    says: String,
    noticing: Noticing,
    text: String,
}

/// What has to fail with a bug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Noticing {
    /// Tests of a crate.
    Test {
        /// The arguments of `cargo test` that name the crate and the kind of test.
        cargo: Vec<String>,
        /// Part of the tests' names; empty for all.
        filter: String,
    },
    /// A scenario of the proof.
    Scenario(String),
}

/// A file as it is with the bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Its path below the root of the tree.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A patch that cannot be used.
#[derive(Debug)]
pub enum PatchError {
    /// A file or a folder cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The header lacks a line, or one is malformed.
    Header(PathBuf, &'static str),
    /// The rest is not a unified diff.
    Malformed(String, String),
    /// The source no longer contains what the patch replaces.
    DoesNotApply(String, String),
}

impl Patch {
    /// Reads a patch; its name is that of its file.
    ///
    /// # Errors
    /// When it cannot be read, or its header lacks something.
    pub fn read(path: &Path) -> Result<Self, PatchError> {
        let text = std::fs::read_to_string(path).map_err(|error| PatchError::Unreadable(path.to_owned(), error))?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        Self::parse(name, text).map_err(|lacking| PatchError::Header(path.to_owned(), lacking))
    }

    fn parse(name: &str, text: String) -> Result<Self, &'static str> {
        let header = text.lines().take_while(|line| !line.starts_with("--- "));
        let (mut says, mut noticing) = (None, None);
        for line in header {
            if let Some(bug) = line.strip_prefix("Bug: ") {
                says = Some(bug.to_owned());
            } else if let Some(arguments) = line.strip_prefix("Test: ") {
                noticing = Some(Noticing::of_arguments(arguments).ok_or("a filter of tests after \"Test: \"")?);
            } else if let Some(scenario) = line.strip_prefix("Scenario: ") {
                noticing = Some(Noticing::Scenario(scenario.to_owned()));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            says: says.ok_or("\"Bug: \" and what breaks")?,
            noticing: noticing.ok_or("\"Test: \" or \"Scenario: \"")?,
            text,
        })
    }

    /// The name of the bug.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What breaks, and how.
    #[must_use]
    pub fn says(&self) -> &str {
        &self.says
    }

    /// What has to fail.
    #[must_use]
    pub fn noticing(&self) -> &Noticing {
        &self.noticing
    }

    /// Differs from that of any other text.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(&self.text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The files that it changes in this tree, as they are with it.
    ///
    /// # Errors
    /// When it is not a unified diff, or does not apply.
    pub fn applied_to(&self, tree: &Path) -> Result<Vec<Edited>, PatchError> {
        let malformed = |why: &dyn fmt::Display| PatchError::Malformed(self.name.clone(), why.to_string());
        let mut edited = Vec::new();
        for file in PatchSet::parse(&self.text, ParseOptions::unidiff()) {
            let file = file.map_err(|error| malformed(&error))?;
            let patch = file.patch().as_text().ok_or_else(|| malformed(&"it is binary"))?;
            let path = patch.original().and_then(|path| path.strip_prefix("a/"));
            let path = path.ok_or_else(|| malformed(&"a path does not begin with a/"))?;
            let does_not_apply =
                |why: &dyn fmt::Display| PatchError::DoesNotApply(self.name.clone(), format!("{path}: {why}"));
            let before = std::fs::read_to_string(tree.join(path)).map_err(|error| does_not_apply(&error))?;
            let text = diffy::apply(&before, patch).map_err(|error| does_not_apply(&error))?;
            edited.push(Edited {
                path: path.to_owned(),
                text,
            });
        }
        if edited.is_empty() {
            return Err(malformed(&"it changes nothing"));
        }
        Ok(edited)
    }
}

impl Noticing {
    fn of_arguments(arguments: &str) -> Option<Self> {
        let mut words = arguments.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        let filter = words.pop().filter(|_| words.len() > 1)?;
        Some(Self::Test { cargo: words, filter })
    }
}

impl fmt::Display for Noticing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test { cargo, filter } => write!(formatter, "cargo test {} {filter}", cargo.join(" ")),
            Self::Scenario(scenario) => write!(formatter, "onecommit-proof explore \"{scenario}\""),
        }
    }
}

impl fmt::Display for PatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, _) => write!(formatter, "{} cannot be read", path.display()),
            Self::Header(path, lacking) => write!(formatter, "{} needs a line with {lacking}", path.display()),
            Self::Malformed(name, why) => write!(formatter, "{name} is not a unified diff: {why}"),
            Self::DoesNotApply(name, why) => {
                write!(
                    formatter,
                    "{name} does not apply, make it anew for the source as it is: {why}"
                )
            }
        }
    }
}

impl std::error::Error for PatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    const CARGO: &str = "\
Bug: Nothing works: it has another name.
Test: --package onecommit-proof --lib patches::
\n--- a/tests/proof/Cargo.toml
+++ b/tests/proof/Cargo.toml
@@ -1,2 +1,2 @@
 [package]
-name = \"onecommit-proof\"
+name = \"onecommit-prof\"
";

    #[test]
    fn a_patch_has_a_header_and_changes_files() {
        let patch = Patch::parse("renamed", CARGO.to_owned()).unwrap();
        assert_eq!(patch.says(), "Nothing works: it has another name.");
        assert_eq!(
            patch.noticing().to_string(),
            "cargo test --package onecommit-proof --lib patches::"
        );
        let edited = patch.applied_to(&super::super::workspace()).unwrap();
        assert_eq!(edited[0].path, "tests/proof/Cargo.toml");
        assert!(edited[0].text.starts_with("[package]\nname = \"onecommit-prof\"\n"));
    }

    #[test]
    fn a_header_names_what_has_to_fail() {
        let lacking = CARGO.replace("Test: ", "Tests: ");
        assert_eq!(Patch::parse("x", lacking).unwrap_err(), "\"Test: \" or \"Scenario: \"");
    }

    #[test]
    fn a_patch_of_other_source_does_not_apply() {
        let patch = Patch::parse("renamed", CARGO.replace("[package]", "[other]")).unwrap();
        let error = patch.applied_to(&super::super::workspace()).unwrap_err();
        assert!(matches!(error, PatchError::DoesNotApply(..)), "{error}");
    }
}
