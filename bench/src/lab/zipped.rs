//! How large a function is as Lambda gets it: a zip with the best deflate can do.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

const BEST_DEFLATE: i64 = 9;

/// Bytes of a zip with this file in it as `name`.
pub(crate) fn size_of_file(file: &Path, name: &str) -> Result<u64> {
    size_of([(file.to_path_buf(), name.to_owned())])
}

/// Bytes of a zip with these files and folders in it, all from `folder`; caches of bytecode are left out.
pub(crate) fn size_of_entries(folder: &Path, entries: &[&str]) -> Result<u64> {
    let mut files = Vec::new();
    for entry in entries {
        collect_files(&folder.join(entry), &mut files)?;
    }
    size_of(files.into_iter().map(|file| {
        let name = file
            .strip_prefix(folder)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        (file, name)
    }))
}

fn size_of(files: impl IntoIterator<Item = (PathBuf, String)>) -> Result<u64> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(BEST_DEFLATE));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (file, name) in files {
        zip.start_file(name, options)?;
        zip.write_all(&fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?)?;
    }
    Ok(zip.finish()?.into_inner().len() as u64)
}

fn collect_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        if entry.file_name() != "__pycache__" {
            collect_files(&entry.path(), files)?;
        }
    }
    Ok(())
}
