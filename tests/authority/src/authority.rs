use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;
use tokio::sync::watch;

use crate::call::{Call, Key};
use crate::exceptions::Exceptions;
use crate::pattern::matches;
use crate::policy::{Asker, Cell, Effect, Kind, Opinion, Policy, PolicyError, Statement};
use crate::report::Report;
use crate::request::Account;
use crate::stack::{ServiceCall, Stack};

/// Knows every policy that was deployed, decides about calls, and remembers what was used and what was denied.
#[derive(Debug)]
pub struct Authority {
    known: RwLock<Known>,
    record: Mutex<Record>,
    /// How many stacks are known, for those that wait for one.
    stacks: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Known {
    account: Arc<Account>,
    stacks: HashMap<String, Arc<Deployed>>,
    /// By the ARN of the resource.
    policies: HashMap<String, Arc<Owned>>,
}

#[derive(Debug)]
struct Deployed {
    stack: Stack,
    /// By their ARNs.
    roles: HashMap<String, Vec<Arc<Owned>>>,
}

/// A policy, and the logical name of the role or resource it belongs to.
#[derive(Debug)]
struct Owned {
    owner: String,
    policy: Policy,
    /// What each of its statements grants, by the statement's name: made once, since every call that is granted notes it.
    grants: HashMap<String, BTreeMap<Cell, Grant>>,
}

impl Owned {
    fn new(stack: &Stack, owner: &str, policy: Policy) -> Self {
        let of_statement = |statement: &Statement| {
            let grant = |cell: Cell| Grant {
                of: owner.to_owned(),
                statement: statement.id.clone(),
                action: statement.action(cell),
                resource: stack.short(&statement.resource(cell)),
            };
            let grants = statement.cells().into_iter().map(|cell| (cell, grant(cell)));
            (statement.id.clone(), grants.collect())
        };
        Self {
            owner: owner.to_owned(),
            grants: policy.statements.iter().map(of_statement).collect(),
            policy,
        }
    }

    fn grants<'a>(&'a self, cells: &'a [(&Statement, Cell)]) -> impl Iterator<Item = &'a Grant> {
        let grant = |(statement, cell): &(&Statement, Cell)| self.grants.get(&statement.id)?.get(cell);
        cells.iter().filter_map(grant)
    }
}

#[derive(Debug, Default)]
struct Record {
    granted: BTreeSet<Grant>,
    used: BTreeMap<Grant, u64>,
    denied: BTreeMap<Denial, u64>,
}

/// One action on one resource that one statement grants.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Grant {
    /// The role, or the resource, whose policy has it.
    pub(crate) of: String,
    pub(crate) statement: String,
    pub(crate) action: String,
    pub(crate) resource: String,
}

/// A call that was denied, and why.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Denial {
    /// The function that made it, or what AWS did.
    pub caller: String,
    /// The role, or the service, that it was made as.
    pub principal: String,
    /// Such as `dynamodb:PutItem`; for a request that was not recognised, what is wrong with it.
    pub action: String,
    /// What for.
    pub resource: String,
    /// What denies it, or what is missing.
    pub because: String,
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            caller,
            principal,
            action,
            resource,
            because,
        } = self;
        write!(formatter, "{caller} as {principal}: {action} on {resource}: {because}")
    }
}

/// The function that a request comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The stack's name.
    pub stack: String,
    /// As the template names it.
    pub function: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// One that knows of no stack yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known: RwLock::default(),
            record: Mutex::default(),
            stacks: watch::Sender::new(0),
        }
    }

    /// Takes in what was deployed. Requests of its functions have waited for this. What AWS itself does there is decided at
    /// once.
    ///
    /// # Errors
    /// When a policy is not understood. Nothing of the stack is granted then.
    pub fn learn(&self, stack: Stack) -> Result<(), Vec<PolicyError>> {
        let (deployed, policies) = read(&stack)?;
        self.note_grants(&deployed, &policies);
        let deployed = Arc::new(deployed);
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            let mut account = Account::clone(&known.account);
            account.id.clone_from(&stack.account);
            account.tables.extend(stack.tables.clone());
            known.account = Arc::new(account);
            known.policies.extend(policies);
            known.stacks.insert(stack.name.clone(), Arc::clone(&deployed));
        }
        for call in &stack.calls {
            // Noted where it is decided.
            drop(self.decide_for_aws(&deployed, call));
        }
        self.stacks.send_modify(|stacks| *stacks += 1);
        Ok(())
    }

    /// Returns once the caller's stack is known: a function may run before its deployment has ended.
    pub(crate) async fn knows_if_named(&self, caller: &Caller) {
        if caller.stack.is_empty() || self.deployed(&caller.stack).is_some() {
            return;
        }
        let (stack, mut stacks) = (caller.stack.as_str(), self.stacks.subscribe());
        // The sender is in here, so it is not gone.
        let _ = stacks.wait_for(|_| self.deployed(stack).is_some()).await;
    }

    pub(crate) fn account(&self) -> Arc<Account> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).account)
    }

    /// Decides about a function's calls; all of them have to be granted.
    ///
    /// # Errors
    /// The first call that is not, which is noted as well.
    pub fn judge(&self, caller: &Caller, calls: &[Call]) -> Result<(), Denial> {
        let Some((deployed, role)) = self.role_of(caller) else {
            return Err(self.refuse(
                caller,
                "a request",
                "which stack and function it comes from is not known",
            ));
        };
        calls.iter().try_for_each(|call| {
            let call = call.clone().with(Key::PrincipalArn, [role.as_str()]);
            self.decide_role(&deployed, &caller.function, &role, call)
        })
    }

    /// Decides about a call that AWS makes in a stack, such as a delivery of a topic.
    ///
    /// # Errors
    /// When it is not granted, which is noted as well.
    pub fn judge_service(&self, stack: &str, call: &ServiceCall) -> Result<(), Denial> {
        let Some(deployed) = self.deployed(stack) else {
            let nobody = Caller {
                stack: stack.to_owned(),
                function: call.what.clone(),
            };
            return Err(self.refuse(&nobody, "a call of AWS", "the stack it is in is not known"));
        };
        self.decide_for_aws(&deployed, call)
    }

    /// Notes a request that is not understood, and so is not passed on.
    pub(crate) fn refuse(&self, caller: &Caller, request: &str, because: &str) -> Denial {
        self.note(Denial {
            caller: caller.function.clone(),
            principal: caller.stack.clone(),
            action: request.to_owned(),
            resource: "nothing known".to_owned(),
            because: because.to_owned(),
        })
    }

    /// What was granted, used and denied until now.
    #[must_use]
    pub fn report(&self, exceptions: &Exceptions) -> Report {
        let functions = self.functions();
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        Report::of(&record.granted, &record.used, &record.denied, &functions, exceptions)
    }

    /// The functions of each role, all by their logical names.
    fn functions(&self) -> BTreeMap<String, BTreeSet<String>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut functions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for Deployed { stack, .. } in known.stacks.values().map(Arc::as_ref) {
            for function in &stack.functions {
                let role = stack.roles.iter().find(|role| role.arn == function.role);
                let role = role.map_or_else(|| stack.short(&function.role), |role| role.logical_id.clone());
                functions.entry(role).or_default().insert(function.logical_id.clone());
            }
        }
        functions
    }

    fn deployed(&self, stack: &str) -> Option<Arc<Deployed>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.stacks.get(stack).cloned()
    }

    fn role_of(&self, caller: &Caller) -> Option<(Arc<Deployed>, String)> {
        let deployed = self.deployed(&caller.stack)?;
        let function = |known: &&crate::stack::Function| known.logical_id == caller.function;
        let role = deployed.stack.functions.iter().find(function)?.role.clone();
        Some((deployed, role))
    }

    fn decide_for_aws(&self, deployed: &Deployed, service: &ServiceCall) -> Result<(), Denial> {
        let mut call = Call::new(&service.action, &service.resource).with(Key::SecureTransport, ["true"]);
        if let Some(source) = &service.source_arn {
            call = call
                .with(Key::SourceArn, [source])
                .with(Key::SourceAccount, [&deployed.stack.account]);
        }
        match &service.role {
            Some(role) => self.decide_role(deployed, &service.what, role, call),
            None => self.decide_service(deployed, service, &call),
        }
    }

    /// A role of the same account is granted what its own policies grant, or the resource's.
    fn decide_role(&self, deployed: &Deployed, caller: &str, role: &str, call: Call) -> Result<(), Denial> {
        let stack = &deployed.stack;
        // Functions reach the local AWS in the clear, and AWS over TLS.
        let call = call
            .with(Key::SecureTransport, ["true"])
            .with(Key::PrincipalAccount, [&stack.account]);
        let asker = Asker::Role {
            arn: role,
            account: &stack.account,
        };
        let own = deployed.roles.get(role).map(Vec::as_slice).unwrap_or_default();
        let of_resource = self.policy_of(&call.resource);
        let name = own.first().map_or_else(|| stack.short(role), |one| one.owner.clone());
        let mut policies: Vec<Arc<Owned>> = Vec::new();
        if !is_of_a_key(&call) || self.passes_on_to_roles(stack, of_resource.as_deref(), &call) {
            policies.extend(own.iter().cloned());
        }
        policies.extend(of_resource);
        self.decide(stack, (caller, &name), &asker, &policies, &call)
    }

    /// What a role is granted on a key of KMS counts only where the key's own policy lets the account pass it on.
    fn passes_on_to_roles(&self, stack: &Stack, of_key: Option<&Owned>, call: &Call) -> bool {
        let Some(owned) = of_key else { return false };
        let Opinion::Allows(cells) = owned.policy.opinion(&Asker::Account(&stack.account), call) else {
            return false;
        };
        self.note_used(owned.grants(&cells));
        true
    }

    /// A service is granted what the resource's policy grants, and nothing else.
    fn decide_service(&self, deployed: &Deployed, service: &ServiceCall, call: &Call) -> Result<(), Denial> {
        let policies: Vec<_> = self.policy_of(&call.resource).into_iter().collect();
        let asker = Asker::Service(&service.service);
        self.decide(
            &deployed.stack,
            (&service.what, &service.service),
            &asker,
            &policies,
            call,
        )
    }

    /// The policy of a queue, topic, bus or bucket, or of the bucket that an object is in.
    fn policy_of(&self, resource: &str) -> Option<Arc<Owned>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let bucket = resource
            .starts_with("arn:aws:s3:::")
            .then(|| resource.split('/').next())
            .flatten();
        known.policies.get(bucket.unwrap_or(resource)).cloned()
    }

    fn decide(
        &self,
        stack: &Stack,
        (caller, principal): (&str, &str),
        asker: &Asker<'_>,
        policies: &[Arc<Owned>],
        call: &Call,
    ) -> Result<(), Denial> {
        let opinions: Vec<_> = policies
            .iter()
            .map(|owned| (owned, owned.policy.opinion(asker, call)))
            .collect();
        let denying = opinions.iter().find_map(|(owned, opinion)| match opinion {
            Opinion::Denies(statement) => Some(format!("{} of {} denies it", statement.id, owned.owner)),
            _ => None,
        });
        let mut grants = Vec::new();
        for (owned, opinion) in &opinions {
            if let Opinion::Allows(cells) = opinion {
                grants.extend(owned.grants(cells));
            }
        }
        if denying.is_none() && !grants.is_empty() {
            self.note_used(grants);
            return Ok(());
        }
        let because = denying.unwrap_or_else(|| missing(stack, asker, policies, call));
        Err(self.note(Denial {
            caller: caller.to_owned(),
            principal: principal.to_owned(),
            action: call.action.clone(),
            resource: stack.short(&call.resource),
            because,
        }))
    }

    fn note_used<'a>(&self, grants: impl IntoIterator<Item = &'a Grant>) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        for grant in grants {
            match record.used.get_mut(grant) {
                Some(times) => *times += 1,
                None => _ = record.used.insert(grant.clone(), 1),
            }
        }
    }

    fn note(&self, denial: Denial) -> Denial {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        *record.denied.entry(denial.clone()).or_default() += 1;
        denial
    }

    fn note_grants(&self, deployed: &Deployed, policies: &[(String, Arc<Owned>)]) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let of_roles = deployed.roles.values().flatten().map(|owned| (None, owned));
        let all = of_roles.chain(policies.iter().map(|(arn, owned)| (Some(arn), owned)));
        for (resource, owned) in all {
            let allowing = owned.policy.statements.iter().filter(|one| one.effect == Effect::Allow);
            for statement in allowing {
                // One policy may be that of several queues: it says nothing about the others.
                let is_own = |cell: &Cell| resource.is_none_or(|arn| matches(&statement.resource(*cell), arn));
                let cells = statement.cells().into_iter().filter(is_own);
                let cells: Vec<(&Statement, Cell)> = cells.map(|cell| (statement, cell)).collect();
                record.granted.extend(owned.grants(&cells).cloned());
            }
        }
    }
}

fn is_of_a_key(call: &Call) -> bool {
    call.action.starts_with("kms:")
}

/// What would have to be there.
fn missing(stack: &Stack, asker: &Asker<'_>, policies: &[Arc<Owned>], call: &Call) -> String {
    let unmet = policies.iter().find_map(|owned| {
        let about = owned.policy.statements.iter().find(|one| one.is_about(call));
        about.map(|statement| {
            format!(
                "{} of {} has conditions or principals that this is not for",
                statement.id, owned.owner
            )
        })
    });
    let (action, resource) = (&call.action, stack.short(&call.resource));
    let principal = match asker {
        Asker::Role { .. } | Asker::Account(_) => String::new(),
        Asker::Service(service) => format!("Principal: {{ Service: {service} }}, "),
    };
    let statement = format!("missing {{ Effect: Allow, {principal}Action: {action}, Resource: {resource} }}");
    let shown = [
        Key::LeadingKeys,
        Key::Attributes,
        Key::SourceArn,
        Key::FromAddress,
        Key::EventSource,
        Key::Prefix,
    ];
    let keys = shown.iter().filter_map(|key| {
        let mut values: Vec<&str> = call.keys.get(key)?.iter().map(|value| without_id(value)).collect();
        values.dedup();
        Some(format!("{key} {values:?}"))
    });
    let keys: Vec<String> = keys.collect();
    let of_key = is_of_a_key(call)
        .then(|| "what roles are granted on a key counts only where the key's own policy names the account".to_owned());
    [
        of_key,
        unmet,
        Some(statement),
        (!keys.is_empty()).then(|| keys.join(", ")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// The part of a key that policies name. Ids would make a line of their own of each denial.
fn without_id(key: &str) -> &str {
    match key.find('#') {
        Some(place) if !key.starts_with("arn:") => &key[..=place],
        _ => key,
    }
}

type Read = (Deployed, Vec<(String, Arc<Owned>)>);

/// Reads all of a stack's policies; every one that is not understood is named.
fn read(stack: &Stack) -> Result<Read, Vec<PolicyError>> {
    let (mut errors, mut roles, mut policies) = (Vec::new(), HashMap::new(), Vec::new());
    let mut owned = |owner: &str, place: &str, kind: Kind, document| match Policy::read(place, kind, document) {
        Ok(policy) => Some(Arc::new(Owned::new(stack, owner, policy))),
        Err(error) => {
            errors.push(error);
            None
        }
    };
    for role in &stack.roles {
        let named = |(name, document)| {
            owned(
                &role.logical_id,
                &format!("{}/{name}", role.logical_id),
                Kind::Identity,
                document,
            )
        };
        let own: Vec<Arc<Owned>> = role.policies.iter().filter_map(named).collect();
        roles.insert(role.arn.clone(), own);
    }
    for policy in &stack.policies {
        let read = owned(&policy.logical_id, &policy.logical_id, Kind::Resource, &policy.document);
        policies.extend(read.map(|owned| (policy.arn.clone(), owned)));
    }
    errors.extend(stack.roles.iter().filter(|role| !role.managed.is_empty()).map(|role| {
        let problem = format!("managed policies are not evaluated here: {}", role.managed.join(", "));
        PolicyError::new(&role.logical_id, problem)
    }));
    if !errors.is_empty() {
        return Err(errors);
    }
    let deployed = Deployed {
        stack: stack.clone(),
        roles,
    };
    Ok((deployed, policies))
}

#[cfg(test)]
mod tests;
