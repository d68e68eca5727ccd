use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::{RebuildConfig, SUBJECT_KEYS_TABLE_NAME, VIEWS_TABLE_NAME};
use onecommit_publisher_config::PublisherConfig;

const EVENTS_TABLE_NAME: Setting = Setting::required("EVENTS_TABLE_NAME", "Table of events");
const SAGAS_TABLE_NAME: Setting = Setting::required("SAGAS_TABLE_NAME", "Table of sagas");
const ORCHESTRATOR_QUEUE_URL: Setting = Setting::required("ORCHESTRATOR_QUEUE_URL", "URL of the orchestrator's queue");

/// What the commands about events need to know.
pub(crate) struct EventsConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) events: Table,
}

/// What publishing events once more needs to know.
pub(crate) struct BackfillConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) events: Table,
    pub(crate) publisher: PublisherConfig,
}

/// What the commands about subjects need to know.
pub(crate) struct SubjectsConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) subject_keys: Table,
}

/// What looking at views needs to know.
pub(crate) struct ViewsConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) views: Table,
}

/// What the commands that touch generations of a view need to know.
pub(crate) struct GenerationsConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) rebuild: RebuildConfig,
}

/// What looking at sagas needs to know.
pub(crate) struct SagasConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) sagas: Table,
}

/// What asking something of a saga needs to know.
pub(crate) struct SagaRequestsConfig {
    /// Without credentials: they come from where AWS tools look for them.
    pub(crate) session: Session,
    pub(crate) sagas: Table,
    pub(crate) orchestrator_queue_url: String,
}

impl EventsConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            events: Table::new(reader.text(&EVENTS_TABLE_NAME)),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl BackfillConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            events: Table::new(reader.text(&EVENTS_TABLE_NAME)),
            publisher: PublisherConfig::read(&mut reader),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl SubjectsConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            subject_keys: Table::new(reader.text(&SUBJECT_KEYS_TABLE_NAME)),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl ViewsConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl GenerationsConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            rebuild: RebuildConfig::read(&mut reader),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl SagasConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            sagas: Table::new(reader.text(&SAGAS_TABLE_NAME)),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

impl SagaRequestsConfig {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            sagas: Table::new(reader.text(&SAGAS_TABLE_NAME)),
            orchestrator_queue_url: reader.text(&ORCHESTRATOR_QUEUE_URL),
            session: Session::read_all_but_credentials(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_asks_for_what_it_needs_and_names_all_that_is_wrong() {
        let variables = [("AWS_REQUEST_TIMEOUT_MS", "soon")];
        let events = EventsConfig::read(&variables).err().unwrap().to_string();
        let subjects = SubjectsConfig::read(&variables).err().unwrap().to_string();
        for name in ["AWS_REGION", "AWS_REQUEST_TIMEOUT_MS"] {
            assert!(events.contains(name) && subjects.contains(name));
        }
        assert!(events.contains("EVENTS_TABLE_NAME") && !events.contains("SUBJECT_KEYS_TABLE_NAME"));
        assert!(subjects.contains("SUBJECT_KEYS_TABLE_NAME") && !subjects.contains("EVENTS_TABLE_NAME"));
    }

    #[test]
    fn looking_at_views_asks_for_one_table_and_rebuilding_them_for_all() {
        let looking = ViewsConfig::read(&[("AWS_REGION", "eu-central-1")]).err().unwrap();
        assert_eq!(looking.problems().len(), 1, "{looking}");
        let rebuilding = GenerationsConfig::read(&[("LEDGER_RETENTION_DAYS", "0")])
            .err()
            .unwrap();
        let rebuilding = rebuilding.to_string();
        for name in [
            "VIEWS_TABLE_NAME",
            "EVENTS_TABLE_NAME",
            "LEDGER_TABLE_NAME",
            "LEDGER_RETENTION_DAYS",
            "AWS_REGION",
        ] {
            assert!(rebuilding.contains(name), "{name} is not in: {rebuilding}");
        }
        assert!(!rebuilding.contains("CONSUMER_QUEUE_URL"));
    }

    #[test]
    fn looking_at_sagas_asks_for_their_table_and_asking_something_of_them_for_the_queue_too() {
        let region = [("AWS_REGION", "eu-central-1")];
        let looking = SagasConfig::read(&region).err().unwrap();
        assert_eq!(looking.problems().len(), 1, "{looking}");
        let asking = SagaRequestsConfig::read(&region).err().unwrap();
        assert_eq!(asking.problems().len(), 2, "{asking}");
        for name in ["SAGAS_TABLE_NAME", "ORCHESTRATOR_QUEUE_URL"] {
            assert!(asking.to_string().contains(name), "{name} is not in: {asking}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = [
            EventsConfig::read(&[]).err().unwrap(),
            BackfillConfig::read(&[]).err().unwrap(),
            SubjectsConfig::read(&[]).err().unwrap(),
            ViewsConfig::read(&[]).err().unwrap(),
            GenerationsConfig::read(&[]).err().unwrap(),
            SagasConfig::read(&[]).err().unwrap(),
            SagaRequestsConfig::read(&[]).err().unwrap(),
        ];
        let read: Vec<Setting> = read.iter().flat_map(|command| command.settings()).copied().collect();
        let differences = onecommit_config::documentation::differences(documentation, "Operator", &read);
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
