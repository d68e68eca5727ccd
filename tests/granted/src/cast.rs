//! Which process of a world stands for which function of the template, and what the world's names are there.

/// A name in the world, and the one in the template.
type Names = &'static [(&'static str, &'static str)];

/// All that a world has, as it is in the template.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Processes that stand for a function.
    pub parts: &'static [Part],
    /// Topics of the world.
    pub topics: &'static [(&'static str, Channel)],
    /// Queues of processes that stand for no function, where it is judged what is delivered there.
    pub queues: Names,
    /// Those where it is not, because their processes do at once what several functions do.
    pub apart: &'static [&'static str],
}

/// What a topic of a world is in the template.
#[derive(Clone, Copy, Debug)]
pub enum Channel {
    /// A topic.
    Topic(&'static str),
    /// A topic and a bus, to both of which the function publishes.
    TopicAndBus {
        /// The topic, which queues are subscribed to.
        topic: &'static str,
        /// The bus.
        bus: &'static str,
        /// The parameter that says which source the events on the bus have.
        source: &'static str,
    },
    /// A queue, which is sent to without a topic between.
    Queue(&'static str),
}

/// A kind of process, and the function it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The name of its processes, up to the first `/`.
    pub process: &'static str,
    /// The function.
    pub function: &'static str,
    /// Its tables.
    pub tables: Names,
    /// What partition keys begin with: the table of the template, in the world, and in the template.
    pub keys: &'static [(&'static str, &'static str, &'static str)],
    /// Its indexes.
    pub indexes: Names,
    /// Its buckets.
    pub buckets: Names,
    /// The queue it takes from.
    pub queue: Option<(&'static str, &'static str)>,
    /// Where it parks: the queue whose messages it parks in the world, and the dead-letter queue of the template.
    pub dead_letters: Option<(&'static str, &'static str)>,
}

impl Part {
    /// One that does nothing, for the fields that a part does not need.
    pub const NOTHING: Self = Self {
        process: "",
        function: "",
        tables: &[],
        keys: &[],
        indexes: &[],
        buckets: &[],
        queue: None,
        dead_letters: None,
    };

    /// The queues of the template that it names.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &'static str> {
        let queues = [self.queue, self.dead_letters];
        queues.into_iter().flatten().map(|(_, queue)| queue)
    }
}

impl Cast {
    /// The logical names of all that it names.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &'static str> {
        let of_parts = self.parts.iter().flat_map(|part| {
            let named = part.tables.iter().chain(part.buckets).map(|(_, name)| *name);
            named.chain(part.queues())
        });
        let channels = self.topics.iter().flat_map(|(_, channel)| channel.resources());
        of_parts
            .chain(channels)
            .chain(self.queues.iter().map(|(_, name)| *name))
    }

    /// What a queue of the world is in the template.
    pub(crate) fn queue(&self, name: &str) -> Option<&'static str> {
        let of_parts = self.parts.iter().filter_map(|part| part.queue);
        let mut all = of_parts.chain(self.queues.iter().copied());
        all.find_map(|(simulated, queue)| (simulated == name).then_some(queue))
    }

    pub(crate) fn channel(&self, topic: &str) -> Option<Channel> {
        let found = self.topics.iter().find(|(simulated, _)| *simulated == topic);
        found.map(|(_, channel)| *channel)
    }
}

impl Channel {
    fn resources(self) -> impl Iterator<Item = &'static str> {
        let (first, second) = match self {
            Self::Topic(name) | Self::Queue(name) => (name, None),
            Self::TopicAndBus { topic, bus, .. } => (topic, Some(bus)),
        };
        std::iter::once(first).chain(second)
    }
}
