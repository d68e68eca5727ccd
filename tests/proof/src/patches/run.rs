use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Copy, CopyError, Noticing, Patch};

/// Applies patches to a copy of a tree, builds it, and runs what has to fail.
pub struct Runner {
    copy: Copy,
    target: PathBuf,
    limit: Duration,
    kept: Kept,
}

/// What a patch came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Outcome {
    /// The tests noticed it.
    Noticed {
        /// Which did, and how.
        by: String,
    },
    /// All tests passed.
    NotNoticed,
    /// The run says nothing about the bug.
    Unclear {
        /// Why, for example because the tests fail without it as well.
        why: String,
    },
    /// The source has changed since the patch was made.
    DoesNotApply {
        /// Which part of it does not.
        why: String,
    },
    /// The tree does not compile with it.
    DoesNotCompile {
        /// What the compiler says.
        why: String,
    },
    /// The tests did not end in time.
    Unresponsive,
}

/// A patch, and what it came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What it came to.
    pub outcome: Outcome,
    /// Whether it was run before on the same source, and not again.
    pub is_kept: bool,
}

impl Outcome {
    /// Whether the bug was noticed.
    #[must_use]
    pub fn is_noticed(&self) -> bool {
        matches!(self, Self::Noticed { .. })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Noticed { by } => write!(formatter, "noticed by {by}"),
            Self::NotNoticed => write!(formatter, "NOT noticed: every test passes"),
            Self::Unclear { why } => write!(formatter, "UNCLEAR: {why}"),
            Self::DoesNotApply { why } => write!(formatter, "the patch DOES NOT APPLY: {why}"),
            Self::DoesNotCompile { why } => write!(formatter, "the tree DOES NOT COMPILE with it:\n{why}"),
            Self::Unresponsive => write!(formatter, "the tests DID NOT END in time"),
        }
    }
}

impl Runner {
    /// A runner that keeps its copy of `tree`, what is built of it, and what patches came to in the folder `work`. A test may
    /// run for as long as `limit`.
    ///
    /// # Errors
    /// When the tree cannot be copied.
    pub fn of(tree: &Path, work: &Path, limit: Duration) -> Result<Self, CopyError> {
        let copy = Copy::of(tree, &work.join("tree"))?;
        Ok(Self {
            kept: Kept::read(work.join("kept.json")),
            copy,
            target: work.join("target"),
            limit,
        })
    }

    /// Whether what has to fail with a bug succeeds without one. Ask for all patches first, so that the tree as it is has to
    /// be built only once.
    ///
    /// # Errors
    /// When a file of the copy cannot be read or written.
    pub fn without_a_bug(&mut self, noticing: &Noticing) -> Result<Outcome, CopyError> {
        let key = format!("{} without a bug: {noticing}", self.copy.digest());
        if let Some(outcome) = self.kept.0.get(&key) {
            return Ok(outcome.clone());
        }
        let outcome = self.try_once(noticing);
        self.kept.keep(key, outcome.clone())?;
        Ok(outcome)
    }

    /// Runs a patch; one that was run on the same source before only `again`.
    ///
    /// # Errors
    /// When a file of the copy cannot be read or written.
    pub fn run(&mut self, patch: &Patch, again: bool) -> Result<Ran, CopyError> {
        let key = format!("{} {} {}", self.copy.digest(), patch.digest(), patch.name());
        if let Some(outcome) = self.kept.0.get(&key).filter(|_| !again) {
            return Ok(Ran {
                outcome: outcome.clone(),
                is_kept: true,
            });
        }
        let outcome = self.outcome_of(patch)?;
        self.kept.keep(key, outcome.clone())?;
        Ok(Ran {
            outcome,
            is_kept: false,
        })
    }

    fn outcome_of(&mut self, patch: &Patch) -> Result<Outcome, CopyError> {
        // A test that fails anyway notices nothing.
        match self.without_a_bug(patch.noticing())? {
            Outcome::NotNoticed => {}
            Outcome::Noticed { by } => {
                let why = format!("without the bug, too, fails {by}");
                return Ok(Outcome::Unclear { why });
            }
            other => {
                let why = format!("without the bug: {other}");
                return Ok(Outcome::Unclear { why });
            }
        }
        match patch.applied_to(self.copy.root()) {
            Ok(edits) => self.copy.with(&edits, || self.try_once(patch.noticing())),
            Err(error) => Ok(Outcome::DoesNotApply { why: error.to_string() }),
        }
    }

    fn try_once(&self, noticing: &Noticing) -> Outcome {
        let program = match self.build(noticing) {
            Ok(program) => program,
            Err(why) => return Outcome::DoesNotCompile { why },
        };
        let mut command = Command::new(&program);
        match noticing {
            Noticing::Test { filter, .. } => command.arg(filter),
            Noticing::Scenario(scenario) => command.args(["explore", "--json", scenario]),
        };
        command.current_dir(self.copy.root());
        match (output_within(command, self.limit), noticing) {
            (None, _) => Outcome::Unresponsive,
            (Some((true, _)), _) => Outcome::NotNoticed,
            (Some((false, output)), Noticing::Test { .. }) => Outcome::Noticed {
                by: failed_tests(&output),
            },
            (Some((false, output)), Noticing::Scenario(_)) => broken_promise(&output),
        }
    }

    /// The program that is built; otherwise what the compiler says.
    fn build(&self, noticing: &Noticing) -> Result<PathBuf, String> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        match noticing {
            Noticing::Test { cargo: arguments, .. } => cargo.args(["test", "--no-run"]).args(arguments),
            Noticing::Scenario(_) => cargo.args(["build", "--package", "onecommit-proof"]),
        };
        cargo
            .args(["--locked", "--message-format", "json-render-diagnostics"])
            .env("CARGO_TARGET_DIR", &self.target)
            .current_dir(self.copy.root());
        let output = cargo.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(errors_in(&String::from_utf8_lossy(&output.stderr)));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let mut programs = messages.lines().filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        });
        programs.next_back().ok_or_else(|| "cargo built no program".to_owned())
    }
}

/// Whether a program succeeded, and what it printed; nothing when it did not end in time.
fn output_within(mut command: Command, limit: Duration) -> Option<(bool, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut stdout = child.stdout.take()?;
    let (done, printed) = mpsc::channel();
    // Ends when the program does.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        let _ = done.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    let Ok(output) = printed.recv_timeout(limit) else {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    let succeeded = child.wait().is_ok_and(|status| status.success());
    Some((succeeded, output))
}

fn failed_tests(output: &str) -> String {
    let failed = output.lines().filter_map(|line| {
        let name = line.strip_prefix("test ")?.strip_suffix("... FAILED")?.trim();
        Some(name.trim_end_matches(" - should panic"))
    });
    let mut failed: Vec<&str> = failed.collect();
    failed.sort_unstable();
    match failed.as_slice() {
        [] => "a test that ended its process".to_owned(),
        [first] => (*first).to_owned(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

fn broken_promise(output: &str) -> Outcome {
    let findings = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut broken = findings.filter(|finding| finding["broken"].is_object());
    match broken.next() {
        // What cannot be repeated is a fault of the proof, and says nothing of the bug.
        Some(finding) if finding["broken"]["repeats"] == true => Outcome::Noticed {
            by: format!(
                "\"{}\": {} (schedule {})",
                finding["scenario"].as_str().unwrap_or_default(),
                finding["broken"]["what"].as_str().unwrap_or_default(),
                finding["broken"]["schedule"].as_str().unwrap_or_default(),
            ),
        },
        Some(_) => Outcome::Unclear {
            why: "a run could not be repeated".to_owned(),
        },
        None => Outcome::Unclear {
            why: "the exploration failed without a broken promise".to_owned(),
        },
    }
}

/// What the compiler says, without warnings and progress.
fn errors_in(output: &str) -> String {
    const LINES_MAX: usize = 12;
    let errors = output.lines().skip_while(|line| !line.starts_with("error"));
    errors.take(LINES_MAX).collect::<Vec<_>>().join("\n")
}

/// What patches came to, by the source and the patch, so that a run that was interrupted goes on.
struct Kept(BTreeMap<String, Outcome>, PathBuf);

impl Kept {
    /// What cannot be read is run again.
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self(serde_json::from_str(&text).unwrap_or_default(), path)
    }

    fn keep(&mut self, key: String, outcome: Outcome) -> Result<(), CopyError> {
        self.0.insert(key, outcome);
        let text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        std::fs::write(&self.1, text).map_err(|error| CopyError::File(self.1.clone(), error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    const LIB: &str = "\
pub fn double(number: u32) -> u32 {
    number * 2
}

#[test]
fn doubles() {
    assert_eq!(double(3), 6);
}
";
    const MANIFEST: &str = "[package]\nname = \"tiny\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"tiny\"\nversion = \"0.0.0\"\n";

    /// A crate with one test, in a folder of its own that goes with it.
    struct Tiny(PathBuf);

    impl Tiny {
        fn new(name: &str, lib: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("onecommit-patches-{name}-{}", std::process::id()));
            let tree = folder.join("tree");
            std::fs::create_dir_all(tree.join("src")).unwrap();
            for (path, text) in [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/lib.rs", lib)] {
                std::fs::write(tree.join(path), text).unwrap();
            }
            let init = Command::new("git")
                .args(["init", "--quiet"])
                .current_dir(&tree)
                .status();
            assert!(init.unwrap().success());
            Self(folder)
        }

        fn runner(&self) -> Runner {
            let work = self.0.join("work");
            std::fs::create_dir_all(work.join("tree")).unwrap();
            Runner::of(&self.0.join("tree"), &work, Duration::from_secs(600)).unwrap()
        }

        /// A patch that puts one line in place of another.
        fn patch(&self, old: &str, new: &str) -> Patch {
            let path = self.0.join("bug.patch");
            let diff = format!("--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -2 +2 @@\n-{old}\n+{new}\n");
            let header = "Bug: Nothing is doubled: it is tripled.\nTest: --package tiny --lib doubles\n\n";
            std::fs::write(&path, format!("{header}{diff}")).unwrap();
            Patch::read(&path).unwrap()
        }
    }

    impl Drop for Tiny {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_the_tests_notice_is_told_from_what_never_ran() {
        let tiny = Tiny::new("told", LIB);
        let mut runner = tiny.runner();
        let mut outcome = |new: &str| runner.run(&tiny.patch("    number * 2", new), false).unwrap();
        let by = "doubles".to_owned();
        assert_eq!(outcome("    number * 3").outcome, Outcome::Noticed { by });
        assert_eq!(outcome("    number + number").outcome, Outcome::NotNoticed);
        let broken = outcome("    number * \"2\"").outcome;
        assert!(
            matches!(&broken, Outcome::DoesNotCompile { why } if why.contains("error[E0277]")),
            "{broken}"
        );
        assert!(outcome("    number * 3").is_kept);
        let elsewhere = runner.run(&tiny.patch("    number * 4", "    0"), false).unwrap();
        assert!(matches!(elsewhere.outcome, Outcome::DoesNotApply { .. }));
    }

    #[test]
    fn a_test_that_fails_anyway_notices_nothing() {
        let tiny = Tiny::new("anyway", &LIB.replace("double(3), 6", "double(3), 7"));
        let ran = tiny
            .runner()
            .run(&tiny.patch("    number * 2", "    number * 3"), false);
        let outcome = ran.unwrap().outcome;
        assert!(
            matches!(&outcome, Outcome::Unclear { why } if why.contains("doubles")),
            "{outcome}"
        );
    }

    #[test]
    fn a_changed_tree_is_run_again() {
        let tiny = Tiny::new("again", LIB);
        let patch = tiny.patch("    number * 2", "    number * 3");
        assert!(!tiny.runner().run(&patch, false).unwrap().is_kept);
        assert!(tiny.runner().run(&patch, false).unwrap().is_kept);
        assert!(!tiny.runner().run(&patch, true).unwrap().is_kept);
        std::fs::write(
            tiny.0.join("tree/src/lib.rs"),
            LIB.replace("double(3), 6", "double(3) % 1, 0"),
        )
        .unwrap();
        let ran = tiny.runner().run(&patch, false).unwrap();
        assert_eq!((ran.outcome, ran.is_kept), (Outcome::NotNoticed, false));
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "test b::two ... FAILED\ntest a::one ... FAILED\ntest c::three ... ok\n";
        assert_eq!(failed_tests(output), "a::one and 1 more");
        assert_eq!(failed_tests("test a::one ... FAILED\n"), "a::one");
    }

    #[test]
    fn a_broken_promise_is_named_with_its_schedule() {
        let found = |repeats: bool| {
            let broken = serde_json::json!({ "what": "2 calls", "schedule": "1:2", "repeats": repeats });
            broken_promise(&serde_json::json!({ "scenario": "letters", "broken": broken }).to_string())
        };
        let by = "\"letters\": 2 calls (schedule 1:2)".to_owned();
        assert_eq!(found(true), Outcome::Noticed { by });
        assert!(matches!(found(false), Outcome::Unclear { .. }));
    }

    #[test]
    fn a_program_that_does_not_end_in_time_is_ended() {
        let mut endless = Command::new("sleep");
        endless.arg("600");
        assert!(output_within(endless, Duration::ZERO).is_none());
    }
}
