use std::fs;

use crate::workspace::{WORKSPACE, root};

#[test]
fn every_crate_has_the_lints_of_the_workspace() {
    for (folder, _) in WORKSPACE.members() {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let lines: Vec<&str> = manifest.lines().map(str::trim).collect();
        let inherits = lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]);
        assert!(inherits, "{folder}/Cargo.toml has no `[lints]` with `workspace = true`");
    }
}
