//! Instances of services by DNS: addresses (A and AAAA) with a port that is known beforehand, or SRV records, which name
//! ports too. Each answer holds as long as DNS says.
//!
//! ```
//! use std::sync::Arc;
//! use onecommit_client::{DiscoverySettings, Instances};
//! use onecommit_discovery_dns::{Dns, Records};
//! use onecommit_environment::Environment;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::system();
//! let server = "127.0.0.1:53".parse()?;
//! let dns = Dns::at(server, Records::Services, environment.clone())?;
//! let settings = DiscoverySettings::default();
//! let prices = Instances::of("_http._tcp.prices.example.", Arc::new(dns), settings, environment);
//! # let _ = prices;
//! # Ok(()) }
//! ```
//!
//! This resolver brings a cache and a DNS client of its own, so it is a crate of its own, for processes. Functions look names
//! up as the operating system does, with `onecommit_client::Lookup`.

mod answers;
mod dns;

pub use dns::{Dns, DnsError, Records};
