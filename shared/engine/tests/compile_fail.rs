//! A handler of one effect class cannot do what another may: such code does not compile.

#[test]
fn effect_classes_cannot_be_mixed() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
