use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use onecommit_environment::Environment;
use tokio::task::AbortHandle;

use super::balance::Picked;
use super::discover::Discover;
use super::known::{InstancesHealth, Known};
use super::settings::DiscoverySettings;
use super::watch;

/// No instance of a service is known and healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No healthy instances for {service}")]
pub struct NoHealthyInstances {
    /// The service.
    pub service: String,
}

/// The instances of one service: the registry's last answer, renewed beside the calls, and what calls have shown of them.
/// Clones share it. The registry is asked from the first call on, until the last clone is dropped.
///
/// ```
/// use std::sync::Arc;
/// use onecommit_client::{DiscoverySettings, FixedInstances, Instance, Instances};
/// use onecommit_environment::Environment;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = Environment::system();
/// let now = environment.clock().now();
/// let registry = FixedInstances::new(vec![Instance::at("10.0.0.1", 80, now), Instance::at("10.0.0.2", 80, now)]);
/// let prices = Instances::of("prices", Arc::new(registry), DiscoverySettings::default(), environment);
/// let picked = prices.pick().await?;
/// assert_eq!(picked.instance.authority(), "10.0.0.2:80");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Instances(Arc<Inner>);

struct Inner {
    known: Arc<Known>,
    discover: Arc<dyn Discover>,
    refresh: Mutex<Option<AbortHandle>>,
}

impl Instances {
    /// The instances of a service, as a registry names them.
    #[must_use]
    pub fn of(
        service: impl Into<String>,
        discover: Arc<dyn Discover>,
        settings: DiscoverySettings,
        environment: Environment,
    ) -> Self {
        Self(Arc::new(Inner {
            known: Arc::new(Known::new(service.into(), settings, environment)),
            discover,
            refresh: Mutex::new(None),
        }))
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.known.service
    }

    /// An instance for a call. Only the first call waits for the registry.
    ///
    /// # Errors
    /// When none is known and healthy.
    pub async fn pick(&self) -> Result<Picked, NoHealthyInstances> {
        self.0.keep_renewing();
        let known = &self.0.known;
        if let Some(picked) = known.choose() {
            return Ok(picked);
        }
        let mut answers = known.answers();
        if *answers.borrow_and_update() == 0 {
            let first = known
                .environment
                .within(known.settings.answer_within, answers.changed());
            // An end of the wait and an error of the registry come to the same: there is an instance, or there is none.
            let _ = first.await;
        }
        known.choose().ok_or_else(|| NoHealthyInstances {
            service: known.service.clone(),
        })
    }

    /// Notes how the call to an instance ended: an instance whose calls fail is left out for a while.
    pub fn note(&self, picked: &Picked, has_failed: bool) {
        self.0.known.note(&picked.instance.id, has_failed);
    }

    /// How well the instances are known.
    #[must_use]
    pub fn health(&self) -> InstancesHealth {
        self.0.known.health()
    }
}

impl Inner {
    fn keep_renewing(&self) {
        let mut refresh = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = refresh.as_ref().is_some_and(|task| !task.is_finished());
        if !is_running {
            let task = tokio::spawn(watch::renew(self.known.clone(), self.discover.clone()));
            *refresh = Some(task.abort_handle());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let refresh = self.refresh.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = refresh {
            task.abort();
        }
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Instances")
            .field("service", &self.service())
            .finish_non_exhaustive()
    }
}
