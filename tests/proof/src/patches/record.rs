use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FOLDER, Patch};

/// What was last seen of every patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Records(BTreeMap<String, Record>);

/// That a patch was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The digest of the patch.
    pub patch: String,
    /// The tests that failed, or the scenario that broke a promise, and how.
    pub noticed_by: String,
}

/// The records cannot be read or written.
#[derive(Debug)]
pub struct RecordsError(PathBuf, std::io::Error);

impl Records {
    /// Those of a tree; none where the file is not there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(workspace: &Path) -> Result<Self, RecordsError> {
        let path = path_in(workspace);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| RecordsError(path, error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(RecordsError(path, error)),
        }
    }

    /// Keeps them in a tree.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, workspace: &Path) -> Result<(), RecordsError> {
        let path = path_in(workspace);
        let text = serde_json::to_string_pretty(self).map_err(|error| RecordsError(path.clone(), error.into()))?;
        std::fs::write(&path, text + "\n").map_err(|error| RecordsError(path, error))
    }

    /// That of a patch, if it was noticed as it is now.
    #[must_use]
    pub fn of(&self, patch: &Patch) -> Option<&Record> {
        self.0.get(patch.name()).filter(|record| record.patch == patch.digest())
    }

    /// The names there are records of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Notes by what a patch was noticed, or that it was not.
    pub fn note(&mut self, patch: &Patch, noticed_by: Option<String>) {
        match noticed_by {
            Some(noticed_by) => {
                let record = Record {
                    patch: patch.digest(),
                    noticed_by,
                };
                self.0.insert(patch.name().to_owned(), record);
            }
            None => drop(self.0.remove(patch.name())),
        }
    }

    /// Forgets patches that are gone.
    pub fn retain(&mut self, patches: &[Patch]) {
        self.0
            .retain(|name, _| patches.iter().any(|patch| patch.name() == name));
    }
}

fn path_in(workspace: &Path) -> PathBuf {
    workspace.join(FOLDER).join("results.json")
}

impl fmt::Display for RecordsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} cannot be read or written", self.0.display())
    }
}

impl std::error::Error for RecordsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.1)
    }
}
