//! A stack as a template would deploy it, by the parameters that it has: what is not there under its conditions is left out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resolving::STACK;
use super::{ACCOUNT, Template, TemplateError};
use crate::stack::{Function, ResourcePolicy, Role, ServiceCall, Stack, undeliverable};

const SNS: &str = "sns.amazonaws.com";
const EVENT_BRIDGE: &str = "events.amazonaws.com";
/// What policies name, and so what a denial is to show by its logical name.
const NAMED: [&str; 6] = [
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

impl Template {
    /// Its roles, functions and resource policies, and what SNS and EventBridge deliver there.
    ///
    /// # Errors
    /// When one of them uses what is not resolved here.
    pub fn stack(&self) -> Result<Stack, TemplateError> {
        let mut stack = Stack {
            name: STACK.to_owned(),
            account: ACCOUNT.to_owned(),
            ..Stack::default()
        };
        for (name, resource) in &self.resources {
            if self.is_there(resource)? {
                let added = self.add(&mut stack, name, &resource["Properties"]);
                added.map_err(|problem| TemplateError::new(format!("{name}: {problem}")))?;
            }
        }
        Ok(stack)
    }

    fn is_there(&self, resource: &Value) -> Result<bool, TemplateError> {
        resource["Condition"]
            .as_str()
            .map_or(Ok(true), |condition| self.holds(condition))
    }

    fn add(&self, stack: &mut Stack, name: &str, properties: &Value) -> Result<(), TemplateError> {
        let kind = self.kind(name)?;
        if NAMED.contains(&kind) {
            stack.resources.insert(name.to_owned(), self.attribute(name, "Arn")?);
        }
        match kind {
            "AWS::IAM::Role" => stack.roles.push(self.role(name, properties)?),
            "AWS::Serverless::Function" => stack.functions.push(Function {
                logical_id: name.to_owned(),
                role: self.text(properties, "Role")?,
            }),
            "AWS::SQS::QueuePolicy" => stack.policies.extend(self.policies(properties, "Queues")?),
            "AWS::SNS::TopicPolicy" => stack.policies.extend(self.policies(properties, "Topics")?),
            "AWS::S3::BucketPolicy" => stack.policies.extend(self.policies(properties, "Bucket")?),
            "AWS::Events::EventBus" => stack.policies.extend(self.policy_of_bus(name, properties)?),
            "AWS::SNS::Subscription" => stack.calls.extend(self.deliveries_of_topic(name, properties)?),
            "AWS::Events::Rule" => stack.calls.extend(self.deliveries_of_rule(name, properties)?),
            _ => {}
        }
        Ok(())
    }

    fn role(&self, name: &str, properties: &Value) -> Result<Role, TemplateError> {
        if !properties["ManagedPolicyArns"].is_null() {
            return Err(TemplateError::new("managed policies are not evaluated here"));
        }
        let policies = self.required(properties, "Policies")?;
        let mut named = BTreeMap::new();
        for policy in policies.as_array().into_iter().flatten() {
            let name = policy["PolicyName"].as_str().unwrap_or_default().to_owned();
            if named.insert(name, policy["PolicyDocument"].clone()).is_some() {
                return Err(TemplateError::new("two of its policies have one name"));
            }
        }
        if named.is_empty() {
            return Err(TemplateError::new("it has no list of policies"));
        }
        Ok(Role {
            logical_id: name.to_owned(),
            arn: self.attribute(name, "Arn")?,
            policies: named,
            managed: Vec::new(),
        })
    }

    /// The same document, for each resource that it is the policy of.
    fn policies(&self, properties: &Value, of: &str) -> Result<Vec<ResourcePolicy>, TemplateError> {
        let document = self.required(properties, "PolicyDocument")?;
        let policy = |resource: &str| {
            Ok(ResourcePolicy {
                logical_id: resource.to_owned(),
                arn: self.attribute(resource, "Arn")?,
                document: document.clone(),
            })
        };
        let named = match &properties[of] {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        };
        let referred = named.into_iter().map(|one| {
            let resource = one["Ref"].as_str();
            resource.ok_or_else(|| TemplateError::new(format!("`{of}` has to name resources of the template by `Ref`")))
        });
        referred.map(|resource| policy(resource?)).collect()
    }

    fn policy_of_bus(&self, name: &str, properties: &Value) -> Result<Option<ResourcePolicy>, TemplateError> {
        let document = self.resolved(&properties["Policy"])?.filter(|policy| !policy.is_null());
        document.map_or(Ok(None), |document| {
            Ok(Some(ResourcePolicy {
                logical_id: name.to_owned(),
                arn: self.attribute(name, "Arn")?,
                document,
            }))
        })
    }

    /// To the queue that is subscribed, and to where the topic puts what it could not deliver.
    fn deliveries_of_topic(&self, name: &str, properties: &Value) -> Result<Vec<ServiceCall>, TemplateError> {
        if properties["Protocol"] != "sqs" {
            return Err(TemplateError::new("subscriptions of queues only are evaluated here"));
        }
        let topic = self.text(properties, "TopicArn")?;
        let dead_letters = self.resolved(&properties["RedrivePolicy"]["deadLetterTargetArn"])?;
        let mut calls = vec![delivery(name, SNS, &self.text(properties, "Endpoint")?, &topic)];
        calls.extend(elsewhere(name, SNS, dead_letters.as_ref(), &topic));
        Ok(calls)
    }

    /// The same of a rule. Functions are invoked by another kind of permission.
    fn deliveries_of_rule(&self, name: &str, properties: &Value) -> Result<Vec<ServiceCall>, TemplateError> {
        let rule = self.attribute(name, "Arn")?;
        let mut calls = Vec::new();
        for target in properties["Targets"].as_array().into_iter().flatten() {
            let queue = self.text(target, "Arn")?;
            if !queue.starts_with("arn:aws:sqs:") {
                return Err(TemplateError::new("targets that are queues only are evaluated here"));
            }
            let dead_letters = self.resolved(&target["DeadLetterConfig"]["Arn"])?;
            calls.push(delivery(name, EVENT_BRIDGE, &queue, &rule));
            calls.extend(elsewhere(name, EVENT_BRIDGE, dead_letters.as_ref(), &rule));
        }
        Ok(calls)
    }

    fn required(&self, properties: &Value, name: &str) -> Result<Value, TemplateError> {
        let value = self.resolved(&properties[name])?.filter(|value| !value.is_null());
        value.ok_or_else(|| TemplateError::new(format!("it has no `{name}`")))
    }

    fn text(&self, properties: &Value, name: &str) -> Result<String, TemplateError> {
        let value = self.required(properties, name)?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| TemplateError::new(format!("`{name}` is not text")))
    }
}

/// Where the rest goes, if anywhere.
fn elsewhere(name: &str, service: &str, queue: Option<&Value>, source: &str) -> Option<ServiceCall> {
    let queue = queue.and_then(Value::as_str)?;
    Some(delivery(&undeliverable(name), service, queue, source))
}

fn delivery(what: &str, service: &str, queue: &str, source: &str) -> ServiceCall {
    ServiceCall {
        what: what.to_owned(),
        role: None,
        service: service.to_owned(),
        action: "sqs:SendMessage".to_owned(),
        resource: queue.to_owned(),
        source_arn: Some(source.to_owned()),
    }
}
