//! The functions of CloudFormation that roles and resource policies use.

use serde_json::{Map, Value, json};

use super::{ACCOUNT, Template, TemplateError};

const REGION: &str = "eu-west-1";
pub(super) const STACK: &str = "stack";

impl Template {
    /// A value without functions; nothing for `AWS::NoValue`.
    pub(super) fn resolved(&self, value: &Value) -> Result<Option<Value>, TemplateError> {
        if let Some((function, argument)) = function_in(value) {
            return self.call(function, argument);
        }
        Ok(Some(match value {
            Value::Array(values) => {
                let values = values.iter().filter_map(|value| self.resolved(value).transpose());
                Value::Array(values.collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut resolved = Map::new();
                for (name, value) in fields {
                    if let Some(value) = self.resolved(value)? {
                        resolved.insert(name.clone(), value);
                    }
                }
                Value::Object(resolved)
            }
            other => other.clone(),
        }))
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, TemplateError> {
        match (function, argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => Ok(None),
            ("Ref", Value::String(name)) => self.reference(name).map(Some),
            ("Fn::GetAtt", Value::String(path)) => self.path(path).map(|arn| Some(json!(arn))),
            ("Fn::Sub", Value::String(text)) => self.substituted(text).map(|text| Some(json!(text))),
            ("Fn::If", Value::Array(parts)) => match &parts[..] {
                [Value::String(condition), then, otherwise] => {
                    let chosen = if self.holds(condition)? { then } else { otherwise };
                    self.resolved(chosen)
                }
                _ => Err(TemplateError::new("`Fn::If` takes a condition and two values")),
            },
            _ => Err(TemplateError::new(format!(
                "the function `{function}` is not resolved here as it is used"
            ))),
        }
    }

    pub(super) fn holds(&self, name: &str) -> Result<bool, TemplateError> {
        let condition = self.conditions.get(name);
        let condition = condition.ok_or_else(|| TemplateError::new(format!("there is no condition `{name}`")))?;
        self.is_true(condition)
    }

    fn is_true(&self, condition: &Value) -> Result<bool, TemplateError> {
        match function_in(condition).or_else(|| condition_in(condition)) {
            Some(("Condition", Value::String(name))) => self.holds(name),
            Some(("Fn::Not", Value::Array(parts))) if parts.len() == 1 => Ok(!self.is_true(&parts[0])?),
            Some(("Fn::And", Value::Array(parts))) => {
                let all: Vec<bool> = parts.iter().map(|part| self.is_true(part)).collect::<Result<_, _>>()?;
                Ok(all.into_iter().all(|holds| holds))
            }
            Some(("Fn::Or", Value::Array(parts))) => {
                let all: Vec<bool> = parts.iter().map(|part| self.is_true(part)).collect::<Result<_, _>>()?;
                Ok(all.into_iter().any(|holds| holds))
            }
            Some(("Fn::Equals", Value::Array(parts))) if parts.len() == 2 => {
                Ok(self.resolved(&parts[0])? == self.resolved(&parts[1])?)
            }
            Some((function, _)) => Err(TemplateError::new(format!(
                "the function `{function}` of a condition is not resolved here"
            ))),
            None => Err(TemplateError::new("a condition has to be a function")),
        }
    }

    fn reference(&self, name: &str) -> Result<Value, TemplateError> {
        let of_stack = match name {
            "AWS::Partition" => Some("aws"),
            "AWS::Region" => Some(REGION),
            "AWS::AccountId" => Some(ACCOUNT),
            "AWS::StackName" => Some(STACK),
            _ => None,
        };
        if let Some(value) = of_stack {
            return Ok(json!(value));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        match self.kind(name)? {
            "AWS::SNS::Topic" => self.attribute(name, "Arn").map(|arn| json!(arn)),
            "AWS::DynamoDB::Table" | "AWS::S3::Bucket" | "AWS::Events::EventBus" | "AWS::Serverless::Api" => {
                Ok(json!(name))
            }
            kind => Err(TemplateError::new(format!(
                "`Ref` of {name}, of the kind {kind}, is not resolved here"
            ))),
        }
    }

    /// `Table.Arn`.
    fn path(&self, path: &str) -> Result<String, TemplateError> {
        match path.split_once('.') {
            Some((name, attribute)) => self.attribute(name, attribute),
            None => Err(TemplateError::new(format!("`Fn::GetAtt` of {path} names no attribute"))),
        }
    }

    pub(super) fn attribute(&self, name: &str, attribute: &str) -> Result<String, TemplateError> {
        let within = |service: &str, name: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}");
        Ok(match (self.kind(name)?, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => within("dynamodb", &format!("table/{name}")),
            ("AWS::DynamoDB::Table", "StreamArn") => within("dynamodb", &format!("table/{name}/stream/1")),
            ("AWS::SQS::Queue", "Arn") => within("sqs", name),
            ("AWS::SNS::Topic", "Arn" | "TopicArn") => within("sns", name),
            ("AWS::Events::EventBus", "Arn") => within("events", &format!("event-bus/{}", self.bus(name)?)),
            ("AWS::Events::Rule", "Arn") => within("events", &format!("rule/{name}")),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{}", name.to_ascii_lowercase()),
            ("AWS::Logs::LogGroup", "Arn") => within("logs", &format!("log-group:{name}:*")),
            (kind, _) => {
                let what = format!("`{attribute}` of {name}, of the kind {kind}, is not resolved here");
                return Err(TemplateError::new(what));
            }
        })
    }

    /// A bus has to be named, and roles spell that name out.
    fn bus(&self, name: &str) -> Result<String, TemplateError> {
        let bus = self.resources.get(name).unwrap_or(&Value::Null);
        let named = self.resolved(&bus["Properties"]["Name"])?;
        let named = named.as_ref().and_then(Value::as_str);
        Ok(named.unwrap_or(name).to_owned())
    }

    pub(super) fn kind(&self, name: &str) -> Result<&str, TemplateError> {
        let kind = self.resources.get(name).and_then(|resource| resource["Type"].as_str());
        kind.ok_or_else(|| TemplateError::new(format!("the template has no resource or parameter `{name}`")))
    }

    /// What stands for `${Name}` and `${Name.Attribute}`.
    fn substituted(&self, text: &str) -> Result<String, TemplateError> {
        let mut parts = text.split("${");
        let mut substituted = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part
                .split_once('}')
                .ok_or_else(|| TemplateError::new(format!("a name in `Fn::Sub` of {text} does not end")))?;
            let value = if name.contains('.') {
                json!(self.path(name)?)
            } else {
                self.reference(name)?
            };
            match value {
                Value::String(value) => substituted.push_str(&value),
                other => substituted.push_str(&other.to_string()),
            }
            substituted.push_str(rest);
        }
        Ok(substituted)
    }
}

fn function_in(value: &Value) -> Option<(&str, &Value)> {
    let (name, argument) = only_field(value)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}

fn condition_in(value: &Value) -> Option<(&str, &Value)> {
    only_field(value).filter(|(name, _)| *name == "Condition")
}

fn only_field(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.iter().next().map(|(name, argument)| (name.as_str(), argument))
}
