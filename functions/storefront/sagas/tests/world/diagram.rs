use storefront_sagas::{Deadlines, order_saga};

#[test]
fn the_documentation_shows_the_order_saga_as_it_is() {
    let documentation = include_str!("../../../../../docs/storefront.md");
    let diagram = order_saga(&Deadlines::default()).unwrap().to_mermaid();
    assert!(
        documentation.contains(&diagram),
        "docs/storefront.md should have:\n{diagram}"
    );
}
