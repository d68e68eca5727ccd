//! Where the instances of a service are, and which of them is called.
//!
//! A [`Discover`] says which instances there are. [`Instances`] keeps its last answer, renews it beside the calls, and
//! chooses among them.

mod balance;
mod discover;
mod ejection;
mod fixed;
mod instance;
mod instances;
mod known;
#[cfg(feature = "transport")]
mod lookup;
mod member;
mod settings;
mod watch;

pub use balance::{Balance, Picked};
pub use discover::{Discover, DiscoverError, Found};
pub use fixed::FixedInstances;
pub use instance::{Health, Instance};
pub use instances::{Instances, NoHealthyInstances};
pub use known::InstancesHealth;
#[cfg(feature = "transport")]
pub use lookup::Lookup;
pub use settings::{DiscoverySettings, Ejection};
