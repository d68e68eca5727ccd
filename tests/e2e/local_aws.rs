//! A local AWS for this test run: started, deployed to and ended by the project's own script.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use onecommit_authority::{Proxy, Stack};
use onecommit_aws::Session;
use serde_json::Value;

use crate::authority;

/// A local AWS that ends when this process does.
pub(crate) struct LocalAws {
    pub(crate) endpoint: String,
    /// Where its functions find it: its endpoint, or that of a proxy before it.
    pub(crate) functions_endpoint: String,
    pub(crate) region: String,
    script: Script,
    guard: Child,
    /// Between its functions and it, unless they speak to it themselves.
    proxy: Option<Proxy>,
}

/// The script that runs local AWSs, for the one of this test run.
struct Script {
    python: PathBuf,
    state: PathBuf,
}

impl LocalAws {
    /// Starts one on a free port.
    pub(crate) fn start() -> Result<Self, String> {
        let proxy = proxy()?;
        let endpoint = proxy.as_ref().map(Proxy::url);
        // A function that asks a service without an endpoint of its own is noticed, too.
        let behind = endpoint.iter().flat_map(|url| ["--functions-endpoint", url.as_str()]);
        Self::start_as("e2e", &name(), &behind.collect::<Vec<_>>(), proxy)
    }

    /// Starts one whose functions reach it through a proxy, microburst, that throws its dice from `seed`.
    pub(crate) fn start_with_faults(seed: u64) -> Result<Self, String> {
        Self::start_as("chaos", "ministack", &["--fault-seed", &seed.to_string()], proxy()?)
    }

    fn start_as(name: &str, local_aws: &str, options: &[&str], proxy: Option<Proxy>) -> Result<Self, String> {
        let script = Script {
            python: python()?,
            state: state_directory(name),
        };
        let guard = script.end_with_this_process()?;
        let up = ["up", "--local-aws", local_aws, "--port", "0", "--json"];
        let instance = script.ask(&[&up, options].concat())?;
        let text = |name: &str| {
            instance[name]
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("no {name} in {instance}"))
        };
        let functions_endpoint = text("functionsEndpoint")?;
        if let Some(proxy) = &proxy {
            proxy.pass_on_to(&functions_endpoint);
        }
        Ok(Self {
            endpoint: text("endpoint")?,
            functions_endpoint,
            region: text("region")?,
            script,
            guard,
            proxy,
        })
    }

    /// Deploys a stack and gives its outputs.
    pub(crate) fn deploy(
        &self,
        stack: &str,
        template: &Path,
        parameters: &[(&str, &str)],
    ) -> Result<HashMap<String, String>, String> {
        let outputs = self.deploy_stand_ins(stack, template, parameters)?;
        self.learn(stack)?;
        Ok(outputs)
    }

    /// Deploys a stack whose functions ask nothing of AWS, so that what it grants them is not compared with what they use.
    pub(crate) fn deploy_stand_ins(
        &self,
        stack: &str,
        template: &Path,
        parameters: &[(&str, &str)],
    ) -> Result<HashMap<String, String>, String> {
        let template = template.to_string_lossy();
        let mut arguments = vec![
            "deploy",
            "--stage",
            "local",
            "--stack-name",
            stack,
            "--template",
            &template,
            "--json",
        ];
        let given: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        given
            .iter()
            .for_each(|parameter| arguments.extend(["--parameter", parameter]));
        let endpoints: Vec<String> = self.proxy.iter().flat_map(endpoints).collect();
        endpoints
            .iter()
            .for_each(|endpoint| arguments.extend(["--function-variable", endpoint]));
        serde_json::from_value(self.script.ask(&arguments)?).map_err(|error| error.to_string())
    }

    /// The physical names of what is in a stack, by their logical ones.
    pub(crate) fn resources(&self, stack: &str) -> Result<BTreeMap<String, String>, String> {
        Ok(self.described(stack)?.resources)
    }

    /// Where a function of a stack finds it.
    pub(crate) fn endpoint_of(&self, stack: &str, function: &str) -> String {
        let proxied = self.proxy.as_ref().map(|proxy| proxy.url_of(stack, function));
        proxied.unwrap_or_else(|| self.functions_endpoint.clone())
    }

    /// What was deployed is in force from now on.
    fn learn(&self, stack: &str) -> Result<(), String> {
        let Some(authority) = authority::of_this_run() else {
            return Ok(());
        };
        authority.learn(self.described(stack)?).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("policies that are not as they should be:\n  {}", errors.join("\n  "))
        })
    }

    fn described(&self, stack: &str) -> Result<Stack, String> {
        let described = self
            .script
            .ask(&["authority", "--stage", "local", "--stack-name", stack])?;
        serde_json::from_value(described).map_err(|error| error.to_string())
    }

    /// Where it and its functions log.
    pub(crate) fn log(&self) -> PathBuf {
        self.script.state.join("local-aws.log")
    }

    /// All that its functions have logged.
    pub(crate) fn functions_lines(&self) -> Result<Vec<String>, String> {
        let logs = self
            .script
            .command(&["logs", "--stage", "local", "--source", "everything"])
            .output();
        let logs = logs.map_err(|error| error.to_string())?;
        if !logs.status.success() {
            return Err(String::from_utf8_lossy(&logs.stderr).trim().to_owned());
        }
        let text = String::from_utf8_lossy(&logs.stdout);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Ends it; `keep_log` saves what it and its functions logged, and says where.
    pub(crate) fn end(mut self, keep_log: bool) {
        if keep_log {
            let kept = self.script.state.with_extension("failed.log");
            if std::fs::copy(self.log(), &kept).is_ok() {
                eprintln!("what the local AWS and its functions logged: {}", kept.display());
            }
        }
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("the local AWS may still be up: {error}");
        }
    }
}

impl Script {
    /// A process that waits for this one to end and then ends the local AWS: also after a panic, Ctrl-C or `kill -9`,
    /// when nothing in here runs any more. It notices by the end of its standard input, which only this process holds.
    fn end_with_this_process(&self) -> Result<Child, String> {
        use std::os::unix::process::CommandExt;
        let down = self.command(&["down"]);
        Command::new("sh")
            .args(["-c", r#"read -r _; exec "$@""#, "sh"])
            .arg(down.get_program())
            .args(down.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of the terminal's Ctrl-C.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start sh: {error}"))
    }

    /// Runs it and reads the JSON that it answers with.
    fn ask(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = self
            .command(arguments)
            .output()
            .map_err(|error| format!("{}: {error}", self.python.display()))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{} answered no JSON: {error}", arguments[0]))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(workspace().join("localstack/local_aws.py"))
            .args(arguments)
            .arg("--state-dir")
            .arg(&self.state);
        // Settings of the developer's own deployments.
        command.env_remove("ARTIFACT_BUCKET");
        command
    }
}

fn proxy() -> Result<Option<Proxy>, String> {
    let proxy = authority::of_this_run().map(Proxy::start).transpose();
    proxy.map_err(|error| format!("no proxy before the local AWS: {error}"))
}

/// Each service has an endpoint of its own, because a local AWS says itself what the one of all services is.
fn endpoints(proxy: &Proxy) -> impl Iterator<Item = String> {
    let url = proxy.url_of("{stack}", "{function}");
    Session::endpoint_variables().map(move |variable| format!("{variable}={url}"))
}

/// The workspace that these tests belong to.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A function as it was built for deployment.
pub(crate) fn bootstrap(function: &str) -> Result<PathBuf, String> {
    let path = Path::new("build/lambda").join(function).join("bootstrap");
    if !workspace().join(&path).is_file() {
        return Err(missing(&path));
    }
    runs_here(&workspace().join(&path))?;
    Ok(workspace().join(path))
}

/// A build for Lambda may be for another processor, and would fail in each case in its own way.
fn runs_here(program: &Path) -> Result<(), String> {
    let mut header = [0; 20];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(|error| format!("{}: {error}", program.display()))?;
    // <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>: e_machine
    let built_for = match u16::from_le_bytes([header[18], header[19]]) {
        _ if !header.starts_with(b"\x7fELF") => return Ok(()),
        62 => "x86_64",
        183 => "aarch64",
        _ => return Ok(()),
    };
    if built_for == std::env::consts::ARCH {
        return Ok(());
    }
    Err(format!(
        "{} was built for {built_for}, and this machine is {}; build for it: make build",
        program.display(),
        std::env::consts::ARCH
    ))
}

/// Which local AWS the cases run on: what `LOCAL_AWS` says, as for everything else that starts one.
pub(crate) fn name() -> String {
    let named = std::env::var("LOCAL_AWS").unwrap_or_default();
    if named.is_empty() {
        "ministack".to_owned()
    } else {
        named
    }
}

/// Whether that is a LocalStack, with or without Docker.
pub(crate) fn is_localstack() -> bool {
    name().starts_with("localstack")
}

/// The Python that runs the local AWS, with boto3.
pub(crate) fn python() -> Result<PathBuf, String> {
    let path = std::env::var_os("ONECOMMIT_PYTHON").map_or_else(|| PathBuf::from(".venv/bin/python"), PathBuf::from);
    if workspace().join(&path).is_file() {
        Ok(workspace().join(path))
    } else {
        Err(missing(&path))
    }
}

fn missing(path: &Path) -> String {
    format!(
        "{} is missing; run the end-to-end tests with `make test`, which makes it",
        path.display()
    )
}

fn state_directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}
