//! The deployment that all cases share.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::dead_letters::DeadLetters;
use crate::local_aws::{self, LocalAws, workspace};

const STACK: &str = "onecommit-e2e";
/// Payloads too large for a message are to travel, and rebuilds need not wait.
const PARAMETERS: &[(&str, &str)] = &[("ClaimCheck", "on"), ("ViewsRefreshSeconds", "1")];
const FUNCTIONS: [&str; 4] = ["publisher", "consumer", "relay", "projector"];

/// What is deployed, where.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) dead_letters: DeadLetters,
    outputs: HashMap<String, String>,
}

static LOCAL_AWS: Mutex<Option<LocalAws>> = Mutex::new(None);
static DEPLOYMENT: OnceLock<Deployment> = OnceLock::new();

impl Deployment {
    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("the stack has no output {name}"))
    }
}

/// The deployment; whoever asks first makes it. When that fails, the whole run ends: no case could go on.
pub(crate) fn shared() -> &'static Deployment {
    DEPLOYMENT.get_or_init(|| deploy().unwrap_or_else(|problem| give_up(&problem)))
}

/// Deploys a stack of its own for a case, and gives its outputs.
pub(crate) fn another_stack(name: &str, template: &str, parameters: &[(&str, &str)]) -> HashMap<String, String> {
    shared();
    let local_aws = LOCAL_AWS.lock().unwrap_or_else(PoisonError::into_inner);
    let local_aws = local_aws.as_ref().expect("the shared deployment is on it");
    local_aws.deploy(name, &workspace().join(template), parameters).unwrap()
}

/// Ends the local AWS, if one was started.
pub(crate) fn end(keep_log: bool) {
    if let Some(local_aws) = LOCAL_AWS.lock().unwrap_or_else(PoisonError::into_inner).take() {
        local_aws.end(keep_log);
    }
}

fn deploy() -> Result<Deployment, String> {
    for function in FUNCTIONS {
        local_aws::bootstrap(function)?;
    }
    let mut slot = LOCAL_AWS.lock().unwrap_or_else(PoisonError::into_inner);
    let local_aws = slot.insert(LocalAws::start()?);
    let (endpoint, region) = (local_aws.endpoint.clone(), local_aws.region.clone());
    let outputs = local_aws.deploy(STACK, &workspace().join("infra/template.yaml"), PARAMETERS)?;
    let dead_letter_queue = outputs
        .get("ConsumerDlqUrl")
        .ok_or("the stack has no output ConsumerDlqUrl")?;
    let dead_letters = DeadLetters::collect(&endpoint, &region, dead_letter_queue);
    Ok(Deployment {
        endpoint,
        region,
        dead_letters,
        outputs,
    })
}

fn give_up(problem: &str) -> ! {
    eprintln!("error: {problem}");
    std::process::exit(1)
}
