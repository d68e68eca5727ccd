//! The samples of `schemas/` are judged by the library as by the schema; `schemas/check.py` holds them against the schema.

use std::fs;
use std::path::{Path, PathBuf};

use onecommit_event::Event;

fn samples(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/samples")
        .join(kind);
    let files = fs::read_dir(folder).and_then(|files| files.map(|file| Ok(file?.path())).collect());
    let samples: Vec<PathBuf> = files.unwrap_or_default();
    assert!(!samples.is_empty(), "there are no {kind} samples");
    samples
}

fn read(sample: &Path) -> Result<Event, String> {
    let text = fs::read_to_string(sample).map_err(|error| error.to_string())?;
    Event::from_json(&text).map_err(|error| error.to_string())
}

#[test]
fn what_matches_the_schema_is_an_event() {
    for sample in samples("valid") {
        let read = read(&sample);
        assert!(read.is_ok(), "{}: {read:?}", sample.display());
    }
}

#[test]
fn what_does_not_match_the_schema_is_none() {
    for sample in samples("invalid") {
        let read = read(&sample);
        assert!(read.is_err(), "{}: {read:?}", sample.display());
    }
}
