//! Processes that are killed while they work, and those that come after them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use onecommit_environment::Random;
use serde_json::Value;

use crate::aws::Aws;
use crate::processes::kill_function_at;
use crate::worker::WorkerProcess;

/// One of so many victims is a worker.
const ONE_OF_THEM_A_WORKER: u64 = 6;
const SUFFIX: &str = "FunctionName";

/// The functions of a deployment, and a worker beside them.
pub(crate) struct Victims<'a> {
    aws: &'a Aws,
    random: &'a dyn Random,
    functions: Vec<(&'a str, &'a str)>,
    worker: Option<WorkerProcess>,
    worker_log: PathBuf,
    /// By the name of the function, or `worker`.
    pub(crate) killed: BTreeMap<String, usize>,
}

impl<'a> Victims<'a> {
    pub(crate) fn of(aws: &'a Aws, random: &'a dyn Random, worker_log: &Path) -> Self {
        let outputs = aws.deployment.outputs().iter();
        let mut functions: Vec<(&str, &str)> = outputs
            .filter_map(|(output, name)| Some((output.strip_suffix(SUFFIX)?, name.as_str())))
            .collect();
        functions.sort_unstable();
        File::create(worker_log).unwrap();
        let mut victims = Self {
            aws,
            random,
            functions,
            worker: None,
            worker_log: worker_log.to_owned(),
            killed: BTreeMap::new(),
        };
        victims.worker = Some(victims.start_worker());
        victims
    }

    /// Kills the processes of a function that has some, or the worker, which another one follows.
    pub(crate) fn kill_one(&mut self) {
        let (name, count) = match self.random.up_to(ONE_OF_THEM_A_WORKER - 1) {
            0 => self.kill_worker(),
            _ => self.kill_function().unwrap_or_else(|| self.kill_worker()),
        };
        *self.killed.entry(name.to_owned()).or_default() += count;
    }

    fn kill_worker(&mut self) -> (&'a str, usize) {
        drop(self.worker.take());
        self.worker = Some(self.start_worker());
        ("Worker", 1)
    }

    /// Of a function drawn at random; of the next one if that has no process.
    fn kill_function(&self) -> Option<(&'a str, usize)> {
        let first = usize::try_from(self.random.up_to(self.functions.len() as u64 - 1)).unwrap();
        let from_there = self.functions.iter().cycle().skip(first).take(self.functions.len());
        let endpoint = &self.aws.deployment.functions_endpoint;
        let killed = from_there.map(|(name, function)| (*name, kill_function_at(endpoint, function)));
        killed.into_iter().find(|(_, count)| *count > 0)
    }

    /// What all workers together counted of a metric.
    pub(crate) fn sum_of_workers(&self, metric: &str) -> u64 {
        sum_in(&self.worker_log, metric)
    }

    fn start_worker(&self) -> WorkerProcess {
        let deployment = self.aws.deployment;
        let log = File::options().append(true).open(&self.worker_log).unwrap();
        let (queue, dead_letters) = (
            deployment.output("ConsumerQueueUrl"),
            deployment.output("ConsumerDlqUrl"),
        );
        let settings = [
            ("CLAIM_CHECK_BUCKET", deployment.output("ClaimCheckBucketName")),
            // Others get the messages of a dead one soon.
            ("VISIBILITY_TIMEOUT_S", "20"),
            // As functions are told.
            ("AWS_REQUEST_TIMEOUT_MS", "2000"),
        ];
        WorkerProcess::start_with(self.aws, queue, dead_letters, &settings, log)
    }
}

/// The sum of a metric over a log. Lines that are none, or that a death cut short, count nothing.
pub(crate) fn sum_in(log: &Path, metric: &str) -> u64 {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line[metric].as_u64()).sum()
}
