//! The deployment that all cases share.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::aws::{on_a_thread, session};
use crate::canaries;
use crate::dead_letters::DeadLetters;
use crate::local_aws::{self, LocalAws, workspace};
use crate::parked;

const STACK: &str = "onecommit-e2e";
const FAULTY_STACK: &str = "onecommit-chaos";
/// Payloads too large for a message are to travel, and rebuilds need not wait.
const PARAMETERS: &[(&str, &str)] = &[
    ("ClaimCheck", "on"),
    ("ServiceAuth", "token"),
    ("ViewsRefreshSeconds", "1"),
];
/// Stands for a function's logical name.
const FUNCTION: &str = "{function}";
const FUNCTIONS: [&str; 4] = ["publisher", "consumer", "relay", "projector"];

/// What is deployed, where.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) endpoint: String,
    /// Where functions and workers find the local AWS.
    pub(crate) functions_endpoint: String,
    pub(crate) region: String,
    pub(crate) dead_letters: DeadLetters,
    /// Where the local AWS and its functions log.
    pub(crate) log: PathBuf,
    /// The same for a function by its logical name, which it has a placeholder for.
    endpoint_of_functions: String,
    outputs: HashMap<String, String>,
}

static LOCAL_AWS: Mutex<Option<LocalAws>> = Mutex::new(None);
/// With a proxy before it that puts faults on the wire.
static FAULTY: Mutex<Option<LocalAws>> = Mutex::new(None);
static DEPLOYMENT: OnceLock<Deployment> = OnceLock::new();

impl Deployment {
    /// All outputs of the stack.
    pub(crate) fn outputs(&self) -> &HashMap<String, String> {
        &self.outputs
    }

    /// Where this function finds the local AWS, and what is asked there is put to what the function was granted.
    pub(crate) fn endpoint_of(&self, function: &str) -> String {
        self.endpoint_of_functions.replace(FUNCTION, function)
    }

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

/// A deployment of its own, on a local AWS of its own, that functions and workers reach through a proxy for faults.
pub(crate) fn with_faults(seed: u64) -> &'static Deployment {
    let deployment =
        LocalAws::start_with_faults(seed).and_then(|local_aws| deploy_on(&FAULTY, local_aws, FAULTY_STACK, PARAMETERS));
    Box::leak(Box::new(deployment.unwrap_or_else(|problem| give_up(&problem))))
}

/// Deploys a stack of its own for a case, and gives its outputs.
pub(crate) fn another_stack(name: &str, template: &str, parameters: &[(&str, &str)]) -> HashMap<String, String> {
    shared();
    on_local_aws(|local_aws| local_aws.deploy(name, &workspace().join(template), parameters))
}

/// Deploys a stack of its own for a case, with functions that ask nothing of AWS.
pub(crate) fn stack_with_stand_ins(
    name: &str,
    template: &Path,
    parameters: &[(&str, &str)],
) -> HashMap<String, String> {
    shared();
    on_local_aws(|local_aws| local_aws.deploy_stand_ins(name, template, parameters))
}

/// The physical names of what is in a case's own stack, by their logical ones.
pub(crate) fn resources_of(name: &str) -> BTreeMap<String, String> {
    on_local_aws(|local_aws| local_aws.resources(name))
}

/// A case's own stack, for clients. Nobody takes its dead letters.
pub(crate) fn of_a_case(name: &str, outputs: HashMap<String, String>) -> &'static Deployment {
    let Deployment {
        endpoint,
        functions_endpoint,
        region,
        log,
        ..
    } = shared();
    Box::leak(Box::new(Deployment {
        dead_letters: DeadLetters::default(),
        endpoint: endpoint.clone(),
        functions_endpoint: functions_endpoint.clone(),
        endpoint_of_functions: on_local_aws(|local_aws| Ok(local_aws.endpoint_of(name, FUNCTION))),
        region: region.clone(),
        log: log.clone(),
        outputs,
    }))
}

fn on_local_aws<T>(work: impl FnOnce(&LocalAws) -> Result<T, String>) -> T {
    let local_aws = LOCAL_AWS.lock().unwrap_or_else(PoisonError::into_inner);
    work(local_aws.as_ref().expect("the shared deployment is on it")).unwrap()
}

/// What the local AWSs of this run, and the functions on them, logged of the [`canaries`] in what cases send.
pub(crate) fn lines_with_canaries(every_case_ran: bool) -> Vec<String> {
    let mut found = Vec::new();
    for slot in [&LOCAL_AWS, &FAULTY] {
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(local_aws) = slot.as_ref() else { continue };
        found.extend(canaries::lines_in(canaries::lines_of_local_aws(&local_aws.log())));
        match local_aws.functions_lines() {
            // Then nothing was looked at. Single cases may use no function.
            Ok(lines) if lines.is_empty() && every_case_ran => {
                found.push("(the functions of this run have logged nothing)".to_owned())
            }
            Ok(lines) => found.extend(canaries::lines_in(lines)),
            Err(error) => found.push(format!("(the functions' logs cannot be read: {error})")),
        }
    }
    found
}

/// All that the functions of the shared deployment have logged.
pub(crate) fn functions_lines() -> Vec<String> {
    on_local_aws(LocalAws::functions_lines)
}

/// What waits in the queues of this run's stacks, dead letters above all, and shows a canary. What the consumer parked was
/// taken from its queue already.
pub(crate) fn messages_with_canaries() -> Vec<String> {
    let slots = [&LOCAL_AWS, &FAULTY];
    let places = slots.map(|slot| {
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref()
            .map(|local_aws| (local_aws.endpoint.clone(), local_aws.region.clone()))
    });
    let waiting = places
        .iter()
        .flatten()
        .flat_map(|(endpoint, region)| parked::with_canaries(endpoint, region));
    let taken = DEPLOYMENT
        .get()
        .into_iter()
        .flat_map(|one| one.dead_letters.with_canaries());
    waiting.chain(taken).collect()
}

/// Ends the local AWS, if one was started.
pub(crate) fn end(keep_log: bool) {
    for slot in [&LOCAL_AWS, &FAULTY] {
        if let Some(local_aws) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            local_aws.end(keep_log);
        }
    }
}

fn deploy() -> Result<Deployment, String> {
    let local_aws = LocalAws::start()?;
    // Keys of persons are wrapped, so that what functions ask of KMS is put to what they are granted.
    let key = new_key(&local_aws.endpoint, &local_aws.region)?;
    let parameters = [PARAMETERS, &[("SubjectKeysKmsKeyArn", key.as_str())]].concat();
    deploy_on(&LOCAL_AWS, local_aws, STACK, &parameters)
}

fn new_key(endpoint: &str, region: &str) -> Result<String, String> {
    on_a_thread(async {
        let kms = aws_sdk_kms::Client::new(&session(endpoint, region).sdk_config());
        let made = kms.create_key().send().await.map_err(|error| error.to_string())?;
        let arn = made.key_metadata.and_then(|key| key.arn);
        arn.ok_or_else(|| "KMS made a key without an ARN".to_owned())
    })
}

fn deploy_on(
    slot: &Mutex<Option<LocalAws>>,
    local_aws: LocalAws,
    stack: &str,
    parameters: &[(&str, &str)],
) -> Result<Deployment, String> {
    // Kept before anything can go wrong, so that it is ended then, too.
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let local_aws = slot.insert(local_aws);
    for function in FUNCTIONS {
        local_aws::bootstrap(function)?;
    }
    let (endpoint, region) = (local_aws.endpoint.clone(), local_aws.region.clone());
    let outputs = local_aws.deploy(stack, &workspace().join("infra/template.yaml"), parameters)?;
    let dead_letter_queue = outputs
        .get("ConsumerDlqUrl")
        .ok_or("the stack has no output ConsumerDlqUrl")?;
    let dead_letters = DeadLetters::collect(&endpoint, &region, dead_letter_queue);
    Ok(Deployment {
        endpoint,
        functions_endpoint: local_aws.functions_endpoint.clone(),
        endpoint_of_functions: local_aws.endpoint_of(stack, FUNCTION),
        log: local_aws.log(),
        region,
        dead_letters,
        outputs,
    })
}

fn give_up(problem: &str) -> ! {
    eprintln!("error: {problem}");
    std::process::exit(1)
}
