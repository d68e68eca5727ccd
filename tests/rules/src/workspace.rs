use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Every crate that this machine builds for the workspace, read once for all tests.
pub(crate) static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| Workspace::read(&[]));

/// The same without default features: bounded contexts without their Lambda functions.
pub(crate) static WITHOUT_FUNCTIONS: LazyLock<Workspace> =
    LazyLock::new(|| Workspace::read(&["--no-default-features"]));

pub(crate) struct Workspace {
    /// All packages by their id, ours and others'.
    packages: BTreeMap<String, Package>,
}

pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    /// The folder inside the workspace, for example `shared/engine`; `None` for packages of others.
    pub(crate) folder: Option<String>,
    /// Whether it is a crate of the library, which others may depend on, and not the storefront's or a tool.
    pub(crate) is_published: bool,
    /// The names of all that its manifest lists, also of what no build here turns on.
    pub(crate) listed: BTreeSet<String>,
    /// The features it has.
    pub(crate) features: BTreeSet<String>,
    /// What it asks for in its manifest.
    pub(crate) uses: Vec<Use>,
    /// Ids of what it is linked with.
    normal: BTreeSet<String>,
    /// Ids of everything it names in its manifest, for tests and build scripts too.
    named: BTreeSet<String>,
}

/// A line of a manifest's dependencies.
pub(crate) struct Use {
    pub(crate) name: String,
    /// Whether it is a dependency of what is built, and not of tests or build scripts.
    pub(crate) is_linked: bool,
    pub(crate) with_default_features: bool,
    pub(crate) features: Vec<String>,
}

impl Workspace {
    fn read(arguments: &[&str]) -> Self {
        let metadata = metadata(arguments);
        let root = root();
        let mut packages: BTreeMap<String, Package> = array(&metadata["packages"])
            .map(|package| (text(&package["id"]), Package::read(package, &root)))
            .collect();
        for node in array(&metadata["resolve"]["nodes"]) {
            let Some(package) = packages.get_mut(&text(&node["id"])) else {
                continue;
            };
            for dependency in array(&node["deps"]) {
                let id = text(&dependency["pkg"]);
                if array(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()) {
                    package.normal.insert(id.clone());
                }
                package.named.insert(id);
            }
        }
        Self { packages }
    }

    /// Ours and others'.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// Ours, each with its folder.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Package)> {
        self.packages()
            .filter_map(|package| Some((package.folder.as_deref()?, package)))
    }

    /// What a package is linked with directly.
    pub(crate) fn normal<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Package> {
        package.normal.iter().map(|id| &self.packages[id])
    }

    /// What a package names in its manifest, for whatever use.
    pub(crate) fn named<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Package> {
        package.named.iter().map(|id| &self.packages[id])
    }

    /// What a package is linked with, directly or through others.
    pub(crate) fn linked<'a>(&'a self, package: &'a Package) -> Vec<&'a Package> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&Package> = vec![package];
        let mut linked = Vec::new();
        while let Some(next) = open.pop() {
            for id in &next.normal {
                if seen.insert(id) {
                    linked.push(&self.packages[id]);
                    open.push(&self.packages[id]);
                }
            }
        }
        linked
    }
}

impl Package {
    fn read(package: &Value, root: &Path) -> Self {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let own = || package["features"].as_object().into_iter().flatten();
        let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok());
        Self {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: package["license"].as_str().map(str::to_owned),
            folder: folder.map(|folder| folder.to_string_lossy().replace('\\', "/")),
            is_published: package["publish"].is_null(),
            listed: array(&package["dependencies"])
                .map(|dependency| text(&dependency["name"]))
                .collect(),
            features: own().map(|(name, _)| name.clone()).collect(),
            uses: array(&package["dependencies"]).map(Use::read).collect(),
            normal: BTreeSet::new(),
            named: BTreeSet::new(),
        }
    }
}

impl Use {
    fn read(dependency: &Value) -> Self {
        Self {
            name: text(&dependency["name"]),
            is_linked: dependency["kind"].is_null(),
            with_default_features: dependency["uses_default_features"] == true,
            features: array(&dependency["features"]).map(text).collect(),
        }
    }
}

pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("this crate lies two folders deep")
        .to_path_buf()
}

/// Of this machine's platform only: cargo downloads no others, and the tests have no network.
fn metadata(more: &[&str]) -> Value {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let about_rustc = run(Command::new(rustc).arg("-vV"));
    let host = about_rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        "metadata",
        "--offline",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ];
    serde_json::from_str(&run(Command::new(cargo).args(arguments).args(more).current_dir(root())))
        .expect("metadata is JSON")
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the command prints UTF-8")
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
