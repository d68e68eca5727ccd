//! A stack of the previous version is updated in place: what holds data, or has an address that others keep, stays the
//! same resource. CloudFormation replaces a resource when its logical id or one of these properties changes.

use std::fs;

use serde_json::{Map, Value, json};

use crate::cloudformation::template;
use crate::workspace::root;

/// The previous version's resources of these kinds, with the properties named here.
const PREVIOUS: &str = "tests/rules/previous/resources.json";

const KEPT: [(&str, &[&str]); 6] = [
    ("AWS::DynamoDB::Table", &["TableName", "KeySchema"]),
    ("AWS::SQS::Queue", &["QueueName", "FifoQueue"]),
    ("AWS::SNS::Topic", &["TopicName", "FifoTopic"]),
    ("AWS::S3::Bucket", &["BucketName"]),
    ("AWS::Events::EventBus", &["Name"]),
    ("AWS::Serverless::Api", &["Name"]),
];

fn kept(template: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let Some((kind, names)) = KEPT.iter().find(|(kind, _)| resource["Type"] == *kind) else {
            continue;
        };
        let mut identity = json!({"Type": kind});
        for name in names.iter().filter(|name| resource["Properties"].get(**name).is_some()) {
            identity[*name] = resource["Properties"][*name].clone();
        }
        found.insert(id.clone(), identity);
    }
    found
}

fn previous() -> Map<String, Value> {
    serde_json::from_str(&fs::read_to_string(root().join(PREVIOUS)).unwrap()).unwrap()
}

#[test]
fn what_holds_data_stays_the_same_resource() {
    let (previous, today) = (previous(), kept(&template("infra/template.yaml")));
    assert!(previous.len() > 30);
    for (id, resource) in &previous {
        assert_eq!(
            today.get(id),
            Some(resource),
            "an update would replace {id}, and what is in it would be gone"
        );
    }
}

#[test]
fn tables_that_an_update_could_replace_are_retained() {
    let template = template("infra/template.yaml");
    for (id, resource) in template["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::DynamoDB::Table" {
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
        }
    }
}
