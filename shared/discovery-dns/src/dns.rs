use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use onecommit_client::{Discover, DiscoverError, Found};
use onecommit_environment::Environment;

use crate::answers::{Answers, TARGETS_MAX};

/// The limit of one question to one server. `Instances` has its own limit beside it.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
const ATTEMPTS: usize = 2;

/// Which records name the instances of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Addresses, with this port.
    Addresses(u16),
    /// SRV records (RFC 2782), such as those of `_http._tcp.prices.example.`: of all, those of the best priority. Their
    /// weights are in the instances' metadata.
    Services,
}

/// DNS as a registry.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
    records: Records,
    environment: Environment,
}

/// A resolver cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("DNS cannot be asked: its servers are not known; see /etc/resolv.conf")]
pub struct DnsError(#[source] NetError);

impl Dns {
    /// The servers and search domains of this machine (`/etc/resolv.conf`).
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn system(records: Records, environment: Environment) -> Result<Self, DnsError> {
        let mut builder = TokioResolver::builder_tokio().map_err(DnsError)?;
        limit(builder.options_mut());
        Ok(Self {
            resolver: builder.build().map_err(DnsError)?,
            records,
            environment,
        })
    }

    /// This server alone, over UDP, and over TCP for answers that do not fit.
    ///
    /// # Errors
    /// When a resolver cannot be set up.
    pub fn at(server: SocketAddr, records: Records, environment: Environment) -> Result<Self, DnsError> {
        let mut ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        ways.iter_mut().for_each(|way| way.port = server.port());
        let server = NameServerConfig::new(server.ip(), true, ways.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        limit(builder.options_mut());
        Ok(Self {
            resolver: builder.build().map_err(DnsError)?,
            records,
            environment,
        })
    }

    async fn addresses(&self, name: &str, port: u16, answers: &mut Answers) -> Result<(), NetError> {
        let found = self.resolver.lookup_ip(name).await?;
        answers.add_addresses(found.as_lookup(), port, None);
        Ok(())
    }

    /// The addresses of every target. Targets whose name resolves to nothing are left out, unless all are.
    async fn services(&self, name: &str, answers: &mut Answers) -> Result<(), NetError> {
        let found = self.resolver.lookup(name, RecordType::SRV).await?;
        let mut failure = None;
        for target in answers.targets(&found).into_iter().take(TARGETS_MAX) {
            match self.resolver.lookup_ip(target.name.clone()).await {
                Ok(found) => answers.add_addresses(found.as_lookup(), target.port, Some(&target)),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(()),
        }
    }
}

/// No answer is kept here: `Instances` keeps the last, and knows when to ask again.
fn limit(options: &mut ResolverOpts) {
    options.cache_size = 0;
    options.timeout = ANSWER_WITHIN;
    options.attempts = ATTEMPTS;
    options.edns0 = true;
    options.try_tcp_on_error = true;
}

#[async_trait]
impl Discover for Dns {
    async fn find(&self, service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
        let mut answers = Answers::new(self.environment.clock().now());
        let asked = match self.records {
            Records::Addresses(port) => self.addresses(service, port, &mut answers).await,
            Records::Services => self.services(service, &mut answers).await,
        };
        match asked {
            Ok(()) => Ok(answers.found()),
            Err(error) if error.is_nx_domain() || error.is_no_records_found() => {
                Err(DiscoverError::Unknown(service.to_owned()))
            }
            Err(error) => Err(DiscoverError::Unavailable {
                service: service.to_owned(),
                cause: Box::new(error),
            }),
        }
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Dns")
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
