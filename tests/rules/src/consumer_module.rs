//! `infra/consumer.yaml` is what one consumer needs. The storefront's template says the same of its consumer, but in its
//! own resources: moved into a nested stack, they would be new ones - CloudFormation deletes the queue of a running
//! system with all that waits in it, and the new ledger remembers nothing. So they are compared here.

use std::fs;

use serde_json::{Map, Value, json};

use crate::cloudformation::template;
use crate::workspace::root;

const MODULE: &str = "infra/consumer.yaml";
const STOREFRONT: &str = "infra/template.yaml";

/// Resources of the module, and what they are called in the storefront's template.
const SAME: [(&str, &str); 13] = [
    ("Queue", "ConsumerQueue"),
    ("Dlq", "ConsumerDlq"),
    ("QueuePolicy", "ConsumerQueuePolicy"),
    ("DlqPolicy", "ConsumerDlqPolicy"),
    ("Subscription", "ConsumerSubscription"),
    ("LedgerTable", "LedgerTable"),
    ("Logs", "ConsumerLogs"),
    ("Role", "ConsumerRole"),
    ("DeadLettersAlarm", "DeadLettersAlarm"),
    ("BareDeadLettersAlarm", "BareDeadLettersAlarm"),
    ("QueueAgeAlarm", "QueueAgeAlarm"),
    ("ErrorsAlarm", "ConsumerErrorsAlarm"),
    ("ThrottlesAlarm", "ConsumerThrottlesAlarm"),
];

/// What only the storefront's consumer has: it takes events by EventBridge too, keeps a view, and claims payloads.
const BESIDES: [&str; 10] = [
    "ConsumerDlqPolicy RuleDeliversWhatItCouldNotDeliver",
    "ConsumerQueuePolicy NobodyElseSends",
    "ConsumerQueuePolicy RuleDelivers",
    "ConsumerRole ClaimPayloads",
    "ConsumerRole KeepParkedBodies",
    "ConsumerRole KeepTheView",
    "ConsumerRole LearnThatPayloadsAreGone",
    "LedgerTable DeletionProtectionEnabled",
    "Resource ConsumerFunction",
    "Resource ConsumerRule",
];

/// What the module's parameters are for this consumer.
fn parameter(name: &str) -> Option<Value> {
    Some(match name {
        "QueueName" => json!({"Fn::Sub": "${AWS::StackName}-consumer"}),
        "FunctionName" => json!({"Ref": "ConsumerFunction"}),
        "ConsumerName" => json!("orders-view"),
        "EventsTopicArn" => json!({"Ref": "OutsideTopic"}),
        "EventTypes" => json!(["OrderCreated", "PaymentProcessed"]),
        // On one machine nobody waits so long for what a crashed function had taken.
        "VisibilityTimeoutSeconds" => json!({"Fn::If": ["IsLocal", 30, 180]}),
        "LogRetentionDays" => json!(30),
        _ => return None,
    })
}

/// The module's value as it is with these parameters and the defaults of the others, in the storefront's names.
fn instantiated(value: &Value) -> Option<Value> {
    let Value::Object(members) = value else {
        return Some(match value {
            Value::Array(items) => items.iter().filter_map(instantiated).collect(),
            other => other.clone(),
        });
    };
    if let Some((function, argument)) = members.iter().next().filter(|_| members.len() == 1) {
        match (function.as_str(), argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => return None,
            ("Ref", Value::String(name)) => {
                return Some(parameter(name).unwrap_or_else(|| json!({"Ref": renamed(name)})));
            }
            ("Fn::GetAtt", Value::Array(path)) => {
                let resource = path[0].as_str().map(renamed);
                return Some(json!({"Fn::GetAtt": [resource, path[1]]}));
            }
            ("Fn::If", Value::Array(branches))
                if ["HasKey", "IsBounded", "RunsInVpc"].iter().any(|it| branches[0] == *it) =>
            {
                return instantiated(&branches[2]);
            }
            ("Fn::If", Value::Array(branches)) => {
                let branches = branches.iter().map(|it| instantiated(it).unwrap_or_else(|| it.clone()));
                return Some(json!({"Fn::If": branches.collect::<Vec<_>>()}));
            }
            ("Fn::Sub", Value::String(text)) => return Some(substituted(text)),
            _ => {}
        }
    }
    let kept = members
        .iter()
        .filter_map(|(name, member)| Some((name.clone(), instantiated(member)?)));
    Some(Value::Object(kept.collect::<Map<_, _>>()))
}

fn substituted(text: &str) -> Value {
    let text = text
        .replace("${QueueName}", "${AWS::StackName}-consumer")
        .replace("${ConsumerName}", "orders-view");
    if text.contains("${") {
        json!({"Fn::Sub": text})
    } else {
        json!(text)
    }
}

fn renamed(resource: &str) -> &str {
    SAME.iter()
        .find(|(module, _)| *module == resource)
        .map_or(resource, |(_, storefront)| storefront)
}

/// A statement that only some deployments have is compared as if all had it.
fn statement(value: &Value) -> &Value {
    value.get("Fn::If").map_or(value, |branches| &branches[1])
}

/// Differences in what both say; what only `theirs` has is added to `besides`.
fn compare(path: &str, module: &Value, theirs: &Value, besides: &mut Vec<String>, differ: &mut Vec<String>) {
    let owner = path.split_whitespace().next().unwrap_or_default();
    let sid = |value: &Value| statement(value).get("Sid").and_then(Value::as_str).map(str::to_owned);
    match (module, theirs) {
        (Value::Object(module), Value::Object(theirs)) => {
            for (name, value) in module.iter().filter(|(name, _)| *name != "AlarmDescription") {
                let path = format!("{path} {name}");
                match theirs.get(name) {
                    Some(their) => compare(&path, value, their, besides, differ),
                    None => differ.push(path),
                }
            }
            let more = theirs.keys().filter(|name| !module.contains_key(*name));
            besides.extend(more.map(|name| format!("{owner} {name}")));
        }
        (Value::Array(module), Value::Array(theirs)) if theirs.iter().all(|item| sid(item).is_some()) => {
            for item in module {
                let path = format!("{path} {}", sid(item).unwrap_or_default());
                match theirs.iter().find(|their| sid(their) == sid(item)) {
                    Some(their) => compare(&path, statement(item), statement(their), besides, differ),
                    None => differ.push(path),
                }
            }
            let is_more = |their: &&Value| module.iter().all(|item| sid(item) != sid(their));
            let more = theirs.iter().filter(is_more).filter_map(sid);
            besides.extend(more.map(|sid| format!("{owner} {sid}")));
        }
        (Value::Array(module), Value::Array(theirs)) if module.len() == theirs.len() => {
            for (at, (module, theirs)) in module.iter().zip(theirs).enumerate() {
                compare(&format!("{path} {at}"), module, theirs, besides, differ);
            }
        }
        _ if module == theirs => {}
        _ => differ.push(format!("{path}: {module} in the module, {theirs} in the storefront")),
    }
}

#[test]
fn the_storefronts_consumer_is_as_the_module_says() {
    let (module, storefront) = (template(MODULE), template(STOREFRONT));
    let resources = module["Resources"].as_object().unwrap();
    let (mut besides, mut differ) = (Vec::new(), Vec::new());
    for (id, resource) in resources {
        let (_, theirs) = SAME
            .iter()
            .find(|(module, _)| module == id)
            .unwrap_or_else(|| panic!("{id} of {MODULE} is compared with nothing in {STOREFRONT}"));
        let their = &storefront["Resources"][*theirs];
        assert_eq!(resource["Type"], their["Type"], "{theirs}");
        let properties = instantiated(&resource["Properties"]).unwrap();
        compare(theirs, &properties, &their["Properties"], &mut besides, &mut differ);
    }
    let names = storefront["Resources"].as_object().unwrap().keys();
    let more = names.filter(|name| name.starts_with("Consumer") && SAME.iter().all(|(_, theirs)| theirs != name));
    besides.extend(more.map(|name| format!("Resource {name}")));
    besides.sort();
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(besides, BESIDES);
}

#[test]
fn the_example_brings_the_module_along() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let same = read("examples/consumer/consumer.yaml") == read(MODULE);
    assert!(
        same,
        "examples/consumer/consumer.yaml is not what {MODULE} is; copy it there"
    );
    let example = template("examples/consumer/template.yaml");
    let nested = &example["Resources"]["Shipping"];
    assert_eq!(nested["Type"], "AWS::CloudFormation::Stack");
    assert_eq!(nested["Properties"]["TemplateURL"], "consumer.yaml");
    let known = template(MODULE)["Parameters"].as_object().unwrap().clone();
    let given = nested["Properties"]["Parameters"].as_object().unwrap();
    for name in given.keys() {
        assert!(known.contains_key(name), "{MODULE} has no parameter {name}");
    }
    for (name, parameter) in &known {
        assert!(
            given.contains_key(name) || parameter.get("Default").is_some(),
            "the example does not give {name}"
        );
    }
}

#[test]
fn every_parameter_of_the_module_and_the_example_is_explained() {
    let page = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    for path in [MODULE, "examples/consumer/template.yaml"] {
        for name in template(path)["Parameters"].as_object().unwrap().keys() {
            assert!(
                page.contains(&format!("`{name}`")),
                "docs/deploy.md does not explain {name} of {path}"
            );
        }
    }
}
