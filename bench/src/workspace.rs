//! Where things are: sources, caches, results.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders the benchmarks read and write.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The root of the cargo workspace.
    pub(crate) root: PathBuf,
    /// `bench/`.
    pub(crate) bench: PathBuf,
    /// What is fetched or built for the benchmarks; git ignores it.
    pub(crate) cache: PathBuf,
    /// What the processes print, one file each.
    pub(crate) logs: PathBuf,
    /// Where the results go.
    pub(crate) results: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        let bench = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = bench.parent().context("bench/ has no parent folder")?.to_path_buf();
        let cache = bench.join(".cache");
        let workspace = Self {
            target: env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)),
            logs: cache.join("logs"),
            results: bench.join("results"),
            root,
            bench,
            cache,
        };
        for folder in [&workspace.logs, &workspace.results] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(workspace)
    }

    /// The folder of a contestant's source.
    pub(crate) fn contestant(&self, name: &str) -> PathBuf {
        self.bench.join("contestants").join(name)
    }

    /// A release binary of ours.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// The file that keeps what a process prints.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

/// Remembers what something was made from, so that it is made again only when that changes.
#[derive(Debug)]
pub(crate) struct Stamp {
    file: PathBuf,
    content: Vec<u8>,
}

impl Stamp {
    pub(crate) fn of(file: &Path, sources: &[PathBuf]) -> Result<Self> {
        let mut content = Vec::new();
        for source in sources {
            content.extend(fs::read(source).with_context(|| format!("cannot read {}", source.display()))?);
        }
        Ok(Self {
            file: file.to_path_buf(),
            content,
        })
    }

    pub(crate) fn is_current(&self) -> bool {
        fs::read(&self.file).is_ok_and(|previous| previous == self.content)
    }

    pub(crate) fn renew(&self) -> Result<()> {
        fs::write(&self.file, &self.content).with_context(|| format!("cannot write {}", self.file.display()))
    }
}
