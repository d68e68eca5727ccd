//! A saga whose steps do not say how they are taken back does not compile.

#[test]
fn steps_keep_to_their_place() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
