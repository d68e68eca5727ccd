use crate::layers::{Kind, kind_of};
use crate::workspace::WORKSPACE;

const SWITCH: &str = "onecommit-mutants/switch";

#[test]
fn nothing_but_a_tool_can_switch_the_bugs_on() {
    for (folder, package) in WORKSPACE.members() {
        assert!(
            kind_of(folder) == Some(Kind::Tool) || !package.asked_features.contains(SWITCH),
            "{folder} asks for {SWITCH}: then the bugs are in whatever is built of it"
        );
    }
}

#[test]
fn the_bugs_are_off_by_default() {
    let of_mutants = WORKSPACE.members().find(|(folder, _)| *folder == "shared/mutants");
    let (_, mutants) = of_mutants.expect("shared/mutants is a member");
    assert!(mutants.features.contains("switch"));
    assert!(
        !mutants.features.contains("default"),
        "onecommit-mutants has no default features"
    );
}
