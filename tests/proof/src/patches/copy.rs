use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Edited;

/// A copy of a tree, of the files that git knows or would add.
///
/// It stays where it is between runs, and only what differs is written: what was built of it serves the next run.
#[derive(Debug)]
pub struct Copy {
    root: PathBuf,
    digest: String,
}

/// The tree cannot be copied.
#[derive(Debug)]
pub enum CopyError {
    /// Git cannot name the files of the tree.
    Git(String),
    /// A file cannot be read or written.
    File(PathBuf, std::io::Error),
}

impl Copy {
    /// Brings the copy at `root` up to date with `tree`.
    ///
    /// # Errors
    /// When git is not there, or a file cannot be read or written.
    pub fn of(tree: &Path, root: &Path) -> Result<Self, CopyError> {
        let files = files_of(tree)?;
        let mut digest = Sha256::new();
        for file in &files {
            let bytes = read(&tree.join(file))?;
            if decides(file) {
                digest.update(file.as_bytes());
                digest.update(bytes.len().to_be_bytes());
                digest.update(&bytes);
            }
            write_if_other(&root.join(file), &bytes)?;
        }
        for stale in left_over(root, root, &files)? {
            std::fs::remove_file(&stale).map_err(|error| CopyError::File(stale, error))?;
        }
        let digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            root: root.to_owned(),
            digest,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Differs when anything differs that a build reads; patches are left out.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Works with some files edited, and takes the edits back.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn with<T>(&self, edits: &[Edited], work: impl FnOnce() -> T) -> Result<T, CopyError> {
        let mut before = Vec::new();
        for edit in edits {
            let path = self.root.join(&edit.path);
            before.push((path.clone(), read(&path)?));
            write_if_other(&path, edit.text.as_bytes())?;
        }
        let result = work();
        for (path, bytes) in before {
            write_if_other(&path, &bytes)?;
        }
        Ok(result)
    }
}

fn files_of(tree: &Path) -> Result<BTreeSet<String>, CopyError> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(tree)
        .output()
        .map_err(|error| CopyError::Git(error.to_string()))?;
    if !listed.status.success() {
        return Err(CopyError::Git(
            String::from_utf8_lossy(&listed.stderr).trim().to_owned(),
        ));
    }
    let names = String::from_utf8_lossy(&listed.stdout);
    let is_file = |name: &&str| tree.join(name).symlink_metadata().is_ok_and(|data| data.is_file());
    Ok(names.split('\0').filter(is_file).map(ToOwned::to_owned).collect())
}

/// Whether a build reads it.
fn decides(file: &str) -> bool {
    [".rs", ".toml", ".lock"].iter().any(|ending| file.ends_with(ending))
}

/// Files of the copy that are no longer in the tree.
fn left_over(root: &Path, folder: &Path, files: &BTreeSet<String>) -> Result<Vec<PathBuf>, CopyError> {
    let unreadable = |error| CopyError::File(folder.to_owned(), error);
    let mut stale = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            stale.extend(left_over(root, &path, files)?);
        } else if !path
            .strip_prefix(root)
            .ok()
            .and_then(Path::to_str)
            .is_some_and(|name| files.contains(name))
        {
            stale.push(path);
        }
    }
    Ok(stale)
}

fn read(path: &Path) -> Result<Vec<u8>, CopyError> {
    std::fs::read(path).map_err(|error| CopyError::File(path.to_owned(), error))
}

fn write_if_other(path: &Path, bytes: &[u8]) -> Result<(), CopyError> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| CopyError::File(path.to_owned(), error))
}

impl fmt::Display for CopyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(why) => write!(
                formatter,
                "git cannot list the files of the tree; run this in a clone: {why}"
            ),
            Self::File(path, _) => write!(formatter, "{} cannot be copied", path.display()),
        }
    }
}

impl std::error::Error for CopyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) => Some(error),
            Self::Git(_) => None,
        }
    }
}
