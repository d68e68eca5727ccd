//! Modules of a crate use one another in one direction: a reader can begin with one that uses none.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Path, UseTree};

use crate::sources::sources_of;
use crate::workspace::WORKSPACE;

/// A module by its path, such as `["engine", "landing"]`; the crate's root is empty.
type Module = Vec<String>;

/// The modules that each module of a crate names.
struct Graph(BTreeMap<Module, BTreeSet<Module>>);

impl Graph {
    fn of_crate(folder: &str) -> Self {
        let prefix = format!("{folder}/src/");
        let files: BTreeMap<Module, String> = sources_of(&prefix)
            .into_iter()
            .filter_map(|(name, text)| Some((module_of(name.strip_prefix(&prefix)?), text)))
            .collect();
        let named = |module: &Module, text: &str| {
            let file = syn::parse_file(text).expect("the compiler reads this file");
            let mut paths = Paths::default();
            paths.visit_file(&file);
            let found = paths.0.into_iter();
            let found = found.filter_map(|path| longest(&absolute(module, path)?, |module| files.contains_key(module)));
            found.filter(|other| !is_around(module, other)).collect()
        };
        Self(
            files
                .iter()
                .map(|(module, text)| (module.clone(), named(module, text)))
                .collect(),
        )
    }

    /// A way from a module back to itself, if there is one.
    fn circle(&self) -> Option<Vec<String>> {
        let mut done = BTreeSet::new();
        self.0
            .keys()
            .find_map(|module| self.search(module, &mut Vec::new(), &mut done))
    }

    fn search<'a>(
        &'a self,
        module: &'a Module,
        way: &mut Vec<&'a Module>,
        done: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|passed| *passed == module) {
            let circle = way[begin..].iter().chain([&module]);
            return Some(circle.map(|module| module.join("::")).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = self.0[module].iter().find_map(|next| self.search(next, way, done));
        way.pop();
        done.insert(module);
        found
    }
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    module.pop_if(|last| ["lib", "main", "mod"].contains(&last.as_str()));
    module
}

/// A parent and what lies in it may name each other.
fn is_around(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// A path from the root of the crate; `None` when it leads elsewhere.
fn absolute(module: &Module, path: Module) -> Option<Module> {
    let mut base = module.clone();
    let mut rest = path.into_iter().peekable();
    match rest.next()?.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
        }
        _ => return None,
    }
    while rest.next_if(|segment| segment == "super").is_some() {
        base.pop();
    }
    base.extend(rest);
    Some(base)
}

fn longest(path: &Module, is_module: impl Fn(&Module) -> bool) -> Option<Module> {
    (1..=path.len())
        .rev()
        .map(|length| path[..length].to_vec())
        .find(is_module)
}

/// Every path that a file names, but for its tests.
#[derive(Default)]
struct Paths(Vec<Module>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(ItemMod { attrs, .. }) | Item::Use(ItemUse { attrs, .. }) => attrs,
            Item::Fn(function) => &function.attrs,
            Item::Impl(block) => &block.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.0
            .push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

impl Paths {
    fn add(&mut self, mut before: Module, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add(before, &path.tree);
            }
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.0.push(before);
            }
            UseTree::Rename(name) => {
                before.push(name.ident.to_string());
                self.0.push(before);
            }
            UseTree::Glob(_) => self.0.push(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add(before.clone(), tree)),
        }
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let is_test = attribute.parse_args::<Path>().is_ok_and(|path| path.is_ident("test"));
    attribute.path().is_ident("cfg") && is_test
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for (folder, _) in WORKSPACE
        .members()
        .filter(|(folder, _)| folder.starts_with("shared/") || folder.starts_with("functions/"))
    {
        if let Some(circle) = Graph::of_crate(folder).circle() {
            circles.push(format!("{folder}: {}", circle.join(" -> ")));
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_seen() {
    let modules = ["a", "b", "c"].map(|name| vec![name.to_owned()]);
    let [a, b, c] = modules;
    let mut graph = Graph(BTreeMap::from([
        (a.clone(), BTreeSet::from([b.clone()])),
        (b.clone(), BTreeSet::from([c.clone()])),
        (c.clone(), BTreeSet::new()),
    ]));
    assert_eq!(graph.circle(), None);
    graph.0.insert(c, BTreeSet::from([b]));
    assert_eq!(graph.circle().unwrap(), ["b", "c", "b"]);
}

#[test]
fn paths_are_read_from_uses_and_from_code_but_not_from_tests() {
    let file = "use crate::a::{b::C, d as e};\nfn f() -> super::g::H { crate::i::J }\n#[cfg(test)]\nmod tests { use crate::k; }";
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(file).unwrap());
    let named: Vec<String> = paths.0.iter().map(|path| path.join("::")).collect();
    for path in ["crate::a::b::C", "crate::a::d", "super::g::H", "crate::i::J"] {
        assert!(named.iter().any(|name| name == path), "{path} is not in {named:?}");
    }
    assert!(!named.iter().any(|name| name.contains('k')), "{named:?}");
}
