use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::request::Table;

/// What a local AWS says of a deployed stack, or a template of one that it would deploy: its names, its policies, and what
/// AWS itself does there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// The account it is in.
    pub account: String,
    /// Physical names of its resources by their logical ones.
    pub resources: BTreeMap<String, String>,
    /// Roles, each with its policies by their names.
    pub roles: Vec<Role>,
    /// Functions, each with the ARN of its role.
    pub functions: Vec<Function>,
    /// Policies of queues, topics, buses and buckets.
    pub policies: Vec<ResourcePolicy>,
    /// Partition keys of its tables by their names.
    pub tables: BTreeMap<String, Table>,
    /// What is asked without a function: deliveries, and what Lambda does for a function.
    pub calls: Vec<ServiceCall>,
}

/// A role.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// In the template.
    pub logical_id: String,
    /// Of the role.
    pub arn: String,
    /// Documents by their names.
    pub policies: BTreeMap<String, Value>,
    /// Managed policies, which are not evaluated here.
    pub managed: Vec<String>,
}

/// A function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// In the template.
    pub logical_id: String,
    /// Of its role.
    pub role: String,
}

/// A policy of a resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcePolicy {
    /// Of the resource, in the template.
    pub logical_id: String,
    /// Of the resource.
    pub arn: String,
    /// The policy.
    pub document: Value,
}

/// A call that AWS makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceCall {
    /// What it is for, in words.
    pub what: String,
    /// The role it is made in the name of; else the service makes it for itself.
    #[serde(default)]
    pub role: Option<String>,
    /// The service.
    pub service: String,
    /// The action.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// On behalf of what.
    #[serde(default)]
    pub source_arn: Option<String>,
}

impl Stack {
    /// The same stack, but for a statement of one role or of one resource's policy, by their names. Whether there was one.
    pub fn take_away(&mut self, owner: &str, statement: &str) -> bool {
        let of_roles = self.roles.iter_mut().filter(|role| role.logical_id == owner);
        let of_roles = of_roles.flat_map(|role| role.policies.values_mut());
        let of_resources = self.policies.iter_mut().filter(|policy| policy.logical_id == owner);
        let documents = of_roles.chain(of_resources.map(|policy| &mut policy.document));
        let mut were = 0;
        for document in documents {
            if let Some(statements) = document["Statement"].as_array_mut() {
                let before = statements.len();
                statements.retain(|one| one["Sid"] != statement);
                were += before - statements.len();
            }
        }
        were > 0
    }

    /// How messages come from a topic or a rule to a queue, by their ARNs: what delivers them there, and what puts elsewhere
    /// those that could not be delivered.
    #[must_use]
    pub fn deliveries(&self, source: &str, queue: &str) -> Vec<&ServiceCall> {
        let is_of_source = |call: &&ServiceCall| call.source_arn.as_deref() == Some(source);
        let from_source = || self.calls.iter().filter(is_of_source);
        let there = from_source().filter(|call| call.resource == queue);
        there
            .flat_map(|delivery| {
                let elsewhere = undeliverable(&delivery.what);
                std::iter::once(delivery).chain(from_source().filter(move |call| call.what == elsewhere))
            })
            .collect()
    }

    /// An ARN with the logical name of the resource in it, so that stacks of one template say the same.
    #[must_use]
    pub fn short(&self, arn: &str) -> String {
        let named = self.resources.iter().filter_map(|(logical, physical)| {
            let name = physical.rsplit(['/', ':']).next().filter(|name| !name.is_empty())?;
            let rest = arn.split_once(name).filter(|(before, after)| {
                before.ends_with(['/', ':']) && (after.is_empty() || after.starts_with(['/', ':']))
            });
            // The label of a stream is the time at which it was made.
            let after = |after: &str| match after.starts_with("/stream/") {
                true => "/stream/*".to_owned(),
                false => after.to_owned(),
            };
            rest.map(|(_, rest)| (name.len(), format!("{logical}{}", after(rest))))
        });
        named.max().map_or_else(|| arn.to_owned(), |(_, short)| short)
    }
}

/// What is done with what a subscription or a rule could not deliver, in words.
pub(crate) fn undeliverable(what: &str) -> String {
    format!("what {what} could not deliver")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_shortened_to_the_logical_name_in_it() {
        let stack = Stack {
            resources: BTreeMap::from([
                ("EventsTable".to_owned(), "shop-EventsTable-1X".to_owned()),
                (
                    "Queue".to_owned(),
                    "http://localhost:4566/000000000000/shop-consumer".to_owned(),
                ),
                (
                    "Topic".to_owned(),
                    "arn:aws:sns:eu-west-1:1:shop-consumer-events".to_owned(),
                ),
            ]),
            ..Stack::default()
        };
        for (arn, short) in [
            ("arn:aws:dynamodb:eu-west-1:1:table/shop-EventsTable-1X", "EventsTable"),
            (
                "arn:aws:dynamodb:eu-west-1:1:table/shop-EventsTable-1X/index/due",
                "EventsTable/index/due",
            ),
            (
                "arn:aws:dynamodb:eu-west-1:1:table/shop-EventsTable-1X/stream/2026-11-28T07:49:09.526",
                "EventsTable/stream/*",
            ),
            (
                "arn:aws:dynamodb:eu-west-1:1:table/shop-EventsTable-1XY",
                "arn:aws:dynamodb:eu-west-1:1:table/shop-EventsTable-1XY",
            ),
            ("arn:aws:sqs:eu-west-1:1:shop-consumer", "Queue"),
            ("arn:aws:sns:eu-west-1:1:shop-consumer-events", "Topic"),
            ("*", "*"),
        ] {
            assert_eq!(stack.short(arn), short);
        }
    }
}
