use std::sync::Arc;

use onecommit_config::{ConfigError, Process, Reader};
use onecommit_engine::{Consumer, Engine, RetryingTables};
use onecommit_environment::Environment;
use onecommit_event::claim_check::PayloadStore;
use onecommit_telemetry::Telemetry;

use crate::dynamodb::DynamoDb;
use crate::session::Session;
use crate::sqs::SqsQueue;
use crate::wiring::consumer::ConsumerConfig;

/// Tables in DynamoDB, whose reads are retried.
pub type DynamoDbTables = RetryingTables<DynamoDb>;

/// What everything in a process shares: the session of its AWS clients, its clock and randomness.
#[derive(Clone)]
pub struct Wiring {
    /// The session of all AWS clients.
    pub session: Session,
    /// Clock, randomness and traces.
    pub environment: Environment,
}

impl Wiring {
    /// Reads the variables of this process as a Lambda function finds them, the settings of the function's own with
    /// `settings`, and starts to log and to record traces.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn of_function<T>(settings: impl FnOnce(&mut Reader<'_>) -> T) -> Result<(Self, T), ConfigError> {
        let mut reader = Reader::new(&Process);
        let session = Session::read(&mut reader);
        let settings = finish(reader, settings)?;
        Ok((Self::on(session), settings))
    }

    /// Like [`of_function`](Self::of_function), for a process that finds its credentials elsewhere: it gets the session
    /// and calls [`Wiring::on`] when it has them.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn of_process<T>(settings: impl FnOnce(&mut Reader<'_>) -> T) -> Result<(Session, T), ConfigError> {
        let mut reader = Reader::new(&Process);
        let session = Session::read_all_but_credentials(&mut reader);
        let settings = finish(reader, settings)?;
        Ok((session, settings))
    }

    /// On the session of this process, with the system's clock and randomness, and with its traces if they are on.
    #[must_use]
    pub fn on(session: Session) -> Self {
        Self {
            session,
            environment: onecommit_telemetry::traced(Environment::system()),
        }
    }

    /// All tables through one client, a new one with each call. A process calls it once and shares what it gets: repetitions
    /// of reads have one budget in there, so that they do not add to an outage.
    #[must_use]
    pub fn tables(&self) -> Arc<DynamoDbTables> {
        Arc::new(DynamoDbTables::of(
            DynamoDb::new(&self.session),
            self.environment.clone(),
        ))
    }

    /// A consumer's engine on these tables, and its queue. Payloads that were too large for a message are claimed from the
    /// bucket of its settings, if there is one.
    #[must_use]
    pub fn consumer(
        &self,
        tables: Arc<DynamoDbTables>,
        consumer: Consumer,
        config: ConsumerConfig,
    ) -> (Engine, SqsQueue) {
        let (queue, payloads) = self.queue(&config);
        let consumer = consumer.with(config.settings);
        let engine = Engine::new(consumer, tables, config.ledger, self.environment.clone());
        match payloads {
            Some(payloads) => (engine.with_claim_checks(payloads), queue),
            None => (engine, queue),
        }
    }

    /// A consumer's queue, and the store of payloads that were too large for a message.
    #[must_use]
    pub fn queue(&self, config: &ConsumerConfig) -> (SqsQueue, Option<Arc<dyn PayloadStore>>) {
        let (url, dead_letters) = (config.queue_url.clone(), config.dead_letter_queue_url.clone());
        let queue = SqsQueue::new(self.session.clone(), url, dead_letters);
        match config.payloads.store(&self.session) {
            Some(payloads) => (queue.keeping_bodies_in(payloads.clone()), Some(payloads)),
            None => (queue, None),
        }
    }
}

fn finish<T>(mut reader: Reader<'_>, settings: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T, ConfigError> {
    let telemetry = Telemetry::read(&mut reader);
    let settings = settings(&mut reader);
    reader.finish()?;
    telemetry.start();
    Ok(settings)
}

/// What has to change on a page in Markdown for `section` to list the settings of a function, with those that every
/// function has; nothing when it does. For the function's tests: see [`onecommit_config::documentation`].
pub fn undocumented<T>(page: &str, section: &str, settings: impl FnOnce(&mut Reader<'_>) -> T) -> Vec<String> {
    let mut reader = Reader::new(&[]);
    Session::read(&mut reader);
    Telemetry::read(&mut reader);
    settings(&mut reader);
    onecommit_config::documentation::differences(page, section, reader.settings())
}
