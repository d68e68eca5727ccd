//! The kinds of crates, from the ground up. A crate is linked with crates of its own kind and of kinds below it only.

/// What a crate is, by the folder it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// What everything stands on: clock, randomness, ids, configuration, JSON from outside.
    Ground,
    /// Events, the engine and what is built around it. It knows no type of AWS, and no word of the storefront.
    Library,
    /// Implementations of the library's ports on AWS, and Lambda around the engine.
    Adapter,
    /// Whole programs to which a service says what it knows: the command line for operators, on AWS.
    Program,
    /// One name for all of it: what a service of one's own depends on.
    Facade,
    /// The reference system on top of the library: bounded contexts, views, sagas.
    Storefront,
    /// What runs, apart from the functions of bounded contexts, which lie in the crates of their contexts.
    Function,
    /// What looks at the workspace from outside. It may use any crate, and no crate may use it.
    Tool,
}

const GROUND: &[&str] = &["shared/config", "shared/environment", "shared/json"];
const ADAPTERS: &[&str] = &["shared/aws", "shared/lambda"];
const PROGRAMS: &[&str] = &["shared/operator"];
/// The evaluator of roles needs none of ours; the end-to-end tests and the simulation use it.
const APART: &[&str] = &["tests/authority"];

/// What lies in a folder of the workspace.
pub(crate) fn kind_of(folder: &str) -> Option<Kind> {
    let is_in = |parent: &str| folder.starts_with(parent);
    Some(match folder {
        _ if APART.contains(&folder) || GROUND.contains(&folder) => Kind::Ground,
        "shared/onecommit" => Kind::Facade,
        _ if ADAPTERS.contains(&folder) => Kind::Adapter,
        _ if PROGRAMS.contains(&folder) => Kind::Program,
        _ if is_in("shared/") => Kind::Library,
        _ if is_in("functions/storefront/") => Kind::Storefront,
        _ if is_in("functions/") => Kind::Function,
        _ if is_in("bench") || is_in("tests") => Kind::Tool,
        _ => return None,
    })
}
