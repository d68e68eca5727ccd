//! The schemas that the supergraph is composed of.

use onecommit_graph::Supergraph;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");

/// `make supergraph` runs this test with WRITE_SCHEMAS=1, which writes them.
#[test]
fn the_schemas_that_are_kept_are_the_codes_own() {
    for name in storefront_graph::NAMES {
        let (file, schema) = (format!("{FOLDER}/{name}.graphql"), storefront_graph::sdl(name).unwrap());
        if std::env::var_os("WRITE_SCHEMAS").is_some() {
            std::fs::write(&file, &schema).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap();
        assert_eq!(kept, schema, "run `make supergraph`: the schema of {name} has changed");
    }
    assert_eq!(storefront_graph::sdl("payments"), None);
}

#[test]
fn the_supergraph_has_these_subgraphs() {
    let supergraph = Supergraph::parse(crate::kit::SUPERGRAPH).unwrap();
    let names: Vec<&str> = supergraph.subgraphs().map(|(name, _)| name).collect();
    assert_eq!(names, storefront_graph::NAMES);
}
