//! A part as it is played: what its names are in the template, and what it may do there.

use std::sync::Arc;

use onecommit_authority::Call;

use crate::cast::{Channel, Part};
use crate::deployed::{Deployed, NoName};

pub(crate) struct Actor {
    pub(crate) part: &'static Part,
    pub(crate) deployed: Arc<Deployed>,
}

impl Actor {
    /// Why it may not make this call; nothing if it may.
    pub(crate) fn refuses(&self, call: Result<Call, NoName>) -> Option<String> {
        let judged = match call {
            Ok(call) => self.deployed.judge(self.part.function, call),
            Err(no_name) => return Some(no_name),
        };
        judged.err().map(|denial| format!("{}: {denial}", self.part.process))
    }

    /// The table in the template, and its ARN.
    pub(crate) fn table(&self, name: &str) -> Result<(&'static str, &str), NoName> {
        let table = self.named(self.part.tables, "table", name)?;
        Ok((table, self.deployed.arn(table)?))
    }

    /// A partition key of that table, as it is in the template.
    pub(crate) fn key(&self, table: &str, key: &str) -> String {
        let renamed = self.part.keys.iter().find_map(|(of, simulated, in_template)| {
            let rest = key.strip_prefix(simulated).filter(|_| *of == table)?;
            Some(format!("{in_template}{rest}"))
        });
        renamed.unwrap_or_else(|| key.to_owned())
    }

    pub(crate) fn index(&self, name: &str) -> String {
        let renamed = self.part.indexes.iter().find(|(simulated, _)| *simulated == name);
        renamed.map_or(name, |(_, in_template)| in_template).to_owned()
    }

    pub(crate) fn bucket(&self, name: &str) -> Result<&str, NoName> {
        let bucket = self.named(self.part.buckets, "bucket", name)?;
        self.deployed.arn(bucket)
    }

    /// The queue it takes from.
    pub(crate) fn queue(&self) -> Result<&str, NoName> {
        let (_, queue) = self.part.queue.ok_or_else(|| self.has_no("queue", "of its own"))?;
        self.deployed.arn(queue)
    }

    /// The same, which has to be this one.
    pub(crate) fn queue_named(&self, name: &str) -> Result<&str, NoName> {
        let queue = self.named(self.part.queue.as_slice(), "queue", name)?;
        self.deployed.arn(queue)
    }

    pub(crate) fn dead_letters(&self, name: &str) -> Result<&str, NoName> {
        let queue = self.named(self.part.dead_letters.as_slice(), "dead-letter queue of", name)?;
        self.deployed.arn(queue)
    }

    pub(crate) fn channel(&self, topic: &str) -> Result<Channel, NoName> {
        let channel = self.deployed.cast.channel(topic);
        channel.ok_or_else(|| self.has_no("topic", topic))
    }

    fn named(&self, names: &[(&'static str, &'static str)], what: &str, name: &str) -> Result<&'static str, NoName> {
        let found = names.iter().find(|(simulated, _)| *simulated == name);
        found
            .map(|(_, in_template)| *in_template)
            .ok_or_else(|| self.has_no(what, name))
    }

    fn has_no(&self, what: &str, name: &str) -> NoName {
        let Part { process, function, .. } = self.part;
        format!("{process} as {function}: it has no {what} {name}")
    }
}
