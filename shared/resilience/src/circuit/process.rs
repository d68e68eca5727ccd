use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use onecommit_environment::Environment;

use super::handle::Circuit;
use super::watch::Watch;
use crate::fleet::Circuits;
use crate::settings::{CircuitSettings, CircuitSettingsFault};

/// The end of an invocation waits no longer than this for what went on beside its calls.
const FINISH_WITHIN: Duration = Duration::from_millis(250);

/// The circuits of a process: all of them shared with the fleet, or all of them its own. Clones make and know the same ones.
///
/// Only who puts a process together decides which; what calls a service asks for a circuit by name and cannot tell.
#[derive(Clone)]
pub struct ProcessCircuits(Arc<Parts>);

struct Parts {
    fleet: Option<Arc<dyn Circuits>>,
    watch: Option<Arc<dyn Watch>>,
    environment: Environment,
    made: Mutex<BTreeMap<String, Circuit>>,
}

impl ProcessCircuits {
    /// Circuits of this process alone.
    #[must_use]
    pub fn local(environment: Environment) -> Self {
        Self::new(None, None, environment)
    }

    /// Circuits that this process shares with all others that name them so.
    #[must_use]
    pub fn shared(fleet: Arc<dyn Circuits>, environment: Environment) -> Self {
        Self::new(Some(fleet), None, environment)
    }

    /// The same, with `watch` told what becomes of the circuits that are made from then on.
    #[must_use]
    pub fn watched(&self, watch: Arc<dyn Watch>) -> Self {
        Self::new(self.0.fleet.clone(), Some(watch), self.0.environment.clone())
    }

    fn new(fleet: Option<Arc<dyn Circuits>>, watch: Option<Arc<dyn Watch>>, environment: Environment) -> Self {
        Self(Arc::new(Parts {
            fleet,
            watch,
            environment,
            made: Mutex::default(),
        }))
    }

    /// Whether the fleet shares them.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.0.fleet.is_some()
    }

    /// The circuit of this name. The first one who asks for it decides the settings: a process has one circuit of a name.
    ///
    /// # Errors
    /// When it could not open or not close with these settings, or cannot have this name.
    pub fn circuit(&self, name: impl Into<String>, settings: CircuitSettings) -> Result<Circuit, CircuitSettingsFault> {
        let (name, parts) = (name.into(), &*self.0);
        let mut made = parts.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = made.get(&name) {
            return Ok(circuit.clone());
        }
        let (fleet, watch) = (parts.fleet.clone(), parts.watch.clone());
        let circuit = Circuit::new(name.clone(), settings, fleet, watch, parts.environment.clone())?;
        made.insert(name, circuit.clone());
        Ok(circuit)
    }

    /// Finishes the requests that went on beside calls and begins none, for 250 ms at most: at the end of an invocation, after
    /// which a function is frozen and a request would be lost.
    pub async fn finish(self) {
        let made: Vec<Circuit> = {
            let made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.values().filter(|circuit| circuit.is_busy()).cloned().collect()
        };
        if !made.is_empty() {
            let finishing = join_all(made.iter().map(Circuit::finish));
            self.0.environment.within(FINISH_WITHIN, finishing).await;
        }
    }
}

impl fmt::Debug for ProcessCircuits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProcessCircuits")
            .field("are_shared", &self.are_shared())
            .finish_non_exhaustive()
    }
}
