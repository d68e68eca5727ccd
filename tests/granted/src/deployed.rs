//! The template as it would be deployed, and the world's topics and queues in it.

use std::collections::BTreeMap;

use onecommit_authority::{Authority, Call, Caller, Denial, Stack, Template};

use crate::cast::{Cast, Channel};
use crate::roles::RolesError;

/// A name of a world that the cast does not have.
pub(crate) type NoName = String;

pub(crate) struct Deployed {
    pub(crate) cast: Cast,
    authority: Authority,
    stack: Stack,
    /// By the logical names that the cast has.
    arns: BTreeMap<&'static str, String>,
    /// Sources of events on a bus, by the parameters that say so.
    sources: BTreeMap<&'static str, String>,
}

impl Deployed {
    pub(crate) fn of(template: &Template, stack: Stack, cast: Cast) -> Result<Self, RolesError> {
        let arns = cast.resources().map(|name| Ok((name, template.arn(name)?)));
        let parameters = cast.topics.iter().filter_map(|(_, channel)| match channel {
            Channel::TopicAndBus { source, .. } => Some(*source),
            _ => None,
        });
        let sources = parameters.map(|name| Ok((name, template.parameter(name)?.to_owned())));
        let (arns, sources) = (
            arns.collect::<Result<_, RolesError>>()?,
            sources.collect::<Result<_, RolesError>>()?,
        );
        let authority = Authority::new();
        authority.learn(stack.clone()).map_err(RolesError::Policies)?;
        Ok(Self {
            cast,
            authority,
            stack,
            arns,
            sources,
        })
    }

    /// Decides about a call of a function.
    pub(crate) fn judge(&self, function: &str, call: Call) -> Result<(), Denial> {
        let caller = Caller {
            stack: self.stack.name.clone(),
            function: function.to_owned(),
        };
        self.authority.judge(&caller, &[call])
    }

    /// Decides about what SNS does with what is published on a topic of the world, for one of its queues. Nothing is decided
    /// where no topic is between, or the queue stands for none of the template's.
    pub(crate) fn judge_delivery(&self, topic: &str, queue: &str) -> Option<Result<(), String>> {
        if self.cast.apart.contains(&queue) {
            return None;
        }
        let on_the_way = |what: String| format!("from {topic} to {queue}: {what}");
        self.delivery(topic, queue).map_err(on_the_way).transpose()
    }

    fn delivery(&self, topic: &str, queue: &str) -> Result<Option<()>, String> {
        let channel = self.cast.channel(topic).ok_or("the cast has no such topic")?;
        let queue = self.cast.queue(queue).ok_or("the cast has no such queue")?;
        let topic = match channel {
            Channel::Topic(topic) | Channel::TopicAndBus { topic, .. } => topic,
            Channel::Queue(sent_to) if sent_to == queue => return Ok(None),
            Channel::Queue(sent_to) => return Err(format!("what is sent to {sent_to} comes to {queue}")),
        };
        let deliveries = self.stack.deliveries(self.arn(topic)?, self.arn(queue)?);
        if deliveries.is_empty() {
            return Err(format!("nothing of the template subscribes {queue} to {topic}"));
        }
        let judge = |delivery| self.authority.judge_service(&self.stack.name, delivery);
        let granted = deliveries.into_iter().try_for_each(judge);
        granted.map(Some).map_err(|denial| denial.to_string())
    }

    pub(crate) fn arn(&self, name: &str) -> Result<&str, NoName> {
        let arn = self.arns.get(name).map(String::as_str);
        arn.ok_or_else(|| format!("the cast has no {name}"))
    }

    pub(crate) fn source(&self, parameter: &str) -> Result<&str, NoName> {
        let source = self.sources.get(parameter).map(String::as_str);
        source.ok_or_else(|| format!("the template has no {parameter}"))
    }
}
