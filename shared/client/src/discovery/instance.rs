use std::collections::BTreeMap;

use onecommit_environment::Timestamp;

/// One running instance of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// What the registry tells it apart by; where there is none, `host:port`.
    pub id: String,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What the registry says of its health.
    pub health: Health,
    /// Where it runs, for example `eu-central-1a`.
    pub zone: Option<String>,
    /// What else the registry says of it.
    pub metadata: BTreeMap<String, String>,
    /// When the registry was asked.
    pub last_checked: Timestamp,
}

/// What a registry says of an instance's health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Its checks pass.
    Healthy,
    /// A check fails: it is not called.
    Unhealthy,
    /// The registry does not check.
    #[default]
    Unknown,
}

impl Instance {
    /// An instance at this place, of which nothing else is known.
    #[must_use]
    pub fn at(host: impl Into<String>, port: u16, now: Timestamp) -> Self {
        let host = host.into();
        Self {
            id: format!("{host}:{port}"),
            host,
            port,
            health: Health::Unknown,
            zone: None,
            metadata: BTreeMap::new(),
            last_checked: now,
        }
    }

    /// `host:port`, with an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}
