//! Worker processes, as a container platform runs them.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::aws::Aws;

/// A worker process. Dropped, it is killed.
pub(crate) struct WorkerProcess(Option<Child>);

/// How a worker ended, and what it wrote.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Its lines, each of them JSON.
    pub(crate) lines: Vec<Value>,
}

impl WorkerProcess {
    /// One on these queues and on the deployment's tables.
    pub(crate) fn start(aws: &Aws, queue_url: &str, dead_letter_queue_url: &str) -> Self {
        Self::start_with(aws, queue_url, dead_letter_queue_url, &[], Stdio::piped())
    }

    /// One with settings of its own, that writes where it is told.
    pub(crate) fn start_with(
        aws: &Aws,
        queue_url: &str,
        dead_letter_queue_url: &str,
        settings: &[(&str, &str)],
        output: impl Into<Stdio>,
    ) -> Self {
        let deployment = aws.deployment;
        let child = Command::new(binary("worker"))
            .env_clear()
            .envs([
                ("AWS_ENDPOINT_URL", deployment.functions_endpoint.as_str()),
                ("AWS_REGION", &deployment.region),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("CONSUMER_NAME", "orders-view"),
                ("LEDGER_TABLE_NAME", deployment.output("LedgerTableName")),
                ("VIEWS_TABLE_NAME", deployment.output("ViewsTableName")),
                ("CONSUMER_QUEUE_URL", queue_url),
                ("CONSUMER_DLQ_URL", dead_letter_queue_url),
                ("UNKNOWN_EVENT_TYPES", "park"),
                ("HEALTH_ADDRESS", "off"),
                // What it has begun it shall finish, however busy all other cases keep this machine.
                ("DRAIN_TIMEOUT_MS", "120000"),
            ])
            .envs(settings.iter().copied())
            .stdout(output)
            .spawn()
            .unwrap();
        Self(Some(child))
    }

    /// Asks it to end, as container platforms do, and waits until it has.
    pub(crate) fn terminate(mut self) -> Ended {
        let child = self.0.take().expect("it is taken only here and when dropped");
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let Output { status, stdout, .. } = child.wait_with_output().unwrap();
        let lines = String::from_utf8(stdout).unwrap();
        Ended {
            code: status.code(),
            lines: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Ended {
    /// The sum of a metric over all that it reported.
    pub(crate) fn sum(&self, metric: &str) -> u64 {
        self.lines.iter().filter_map(|line| line[metric].as_u64()).sum()
    }
}

/// Where cargo puts a program, beside the folder of this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is missing; run `make build`", path.display());
    path
}
