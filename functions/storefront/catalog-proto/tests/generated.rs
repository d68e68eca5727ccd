//! That the committed code and description are those of `catalog.proto`. `WRITE_PROTO=1` writes them anew.

#![allow(clippy::expect_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

const PROTO: &str = "proto/catalog.proto";

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The code, and the description that reflection serves, each by its name below `src`.
fn generated(scratch: &Path) -> [(&'static str, Vec<u8>); 2] {
    let folder = here().join("proto");
    let described = protox::compile([here().join(PROTO)], [folder]).expect("the proto file compiles");
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(scratch)
        .compile_fds(described.clone())
        .expect("code is generated");
    let code = fs::read(scratch.join("catalog.rs")).expect("there is code");
    // Comments and places in the file are for readers of the file.
    let mut bare = described;
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    [("generated.rs", code), ("catalog.bin", bare.encode_to_vec())]
}

#[test]
fn the_committed_code_is_that_of_the_proto_file() {
    let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("catalog-proto");
    fs::create_dir_all(&scratch).expect("there is room for the code");
    for (name, content) in generated(&scratch) {
        let committed = here().join("src").join(name);
        if std::env::var_os("WRITE_PROTO").is_some() {
            fs::write(&committed, &content).expect("it is written");
        }
        let is_same = fs::read(&committed).ok().as_deref() == Some(&content);
        assert!(
            is_same,
            "src/{name} is not what {PROTO} generates: run `make proto` and commit what it writes"
        );
    }
}
