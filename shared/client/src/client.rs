use std::fmt;
use std::sync::Arc;

use http::Method;
use onecommit_environment::Environment;
use onecommit_resilience::layers::{BulkheadLayer, CircuitLayer, HedgeLayer};
use onecommit_resilience::{Hedge, Retries, RetryBudget};
use serde::Serialize;
use tower::ServiceBuilder;

use crate::attempt_limit::AttemptLimit;
use crate::cache::{Cached, ResponseCache};
use crate::call::Call;
use crate::caller::Caller;
use crate::context::CallContext;
use crate::describe::Requests;
use crate::exchange::{Exchange, Step};
use crate::retried::Retried;
use crate::settings::ClientSettings;
use crate::stamp::Stamp;
use crate::target::{Address, Addressed};
use crate::transport::Transport;
use crate::wire::Wire;

/// Calls one service. Clones share its connections, its cache and its budget of retries.
#[derive(Clone)]
pub struct Client(Caller);

impl Client {
    /// A client of the service at `address`.
    #[must_use]
    pub fn new(
        transport: impl Transport + 'static,
        address: Address,
        settings: ClientSettings,
        environment: Environment,
    ) -> Self {
        let service = address.service().clone();
        let budget = settings.budget.clone();
        let budget = budget.unwrap_or_else(|| RetryBudget::new(environment.clone()));
        let hedge = Hedge::new(budget.clone(), environment.clone());
        let hedge = settings.hedges_reads.then(|| HedgeLayer::new(hedge, Requests));
        let retries = Retries::new(settings.retries, budget, environment.clone());
        // From the inside out. Each attempt goes to an instance of its own, and says who calls and until when.
        let wire = Wire::new(Arc::new(transport), settings.limits, environment.clone());
        let stamped = Stamp::new(wire, environment.clone(), settings.identity.clone());
        let limited = AttemptLimit::new(stamped, settings.attempt_within, environment.clone());
        let addressed = Addressed::new(limited, address);
        // A refused attempt takes no place of others, and waiting for one is not taken for a slow service.
        let guarded = ServiceBuilder::new()
            .option_layer(hedge)
            .option_layer(settings.circuit.clone().map(CircuitLayer::new))
            .option_layer(settings.bulkhead.clone().map(BulkheadLayer::new))
            .service(addressed);
        // The cache is outermost: it stands in for a service that does not answer in time after all attempts.
        let retried = Retried::new(guarded, retries, environment.clone());
        let steps = with_cache(retried, &settings, &environment);
        Self(Caller {
            service,
            steps,
            settings: Arc::new(settings),
            context: CallContext::default(),
            environment,
        })
    }

    /// The same client for calls on this account.
    #[must_use]
    pub fn on_behalf_of(&self, context: &CallContext) -> Self {
        Self(Caller {
            context: context.clone(),
            ..self.0.clone()
        })
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.service
    }

    /// Asks for what is at `path`, which begins with `/` and may have a query; [`segment`](crate::segment) encodes values in
    /// it. It is retried and cached.
    pub fn get<T>(&self, path: &str) -> Call<T> {
        Call::new(&self.0, Method::GET, path, None)
    }

    /// Sends `body` to `path`. It is retried with a [key](Call::idempotency_key) only, or when it never left.
    pub fn post<T>(&self, path: &str, body: &impl Serialize) -> Call<T> {
        Call::new(&self.0, Method::POST, path, Some(serde_json::to_vec(body)))
    }

    /// Puts `body` in the place of what is at `path`. It is retried.
    pub fn put<T>(&self, path: &str, body: &impl Serialize) -> Call<T> {
        Call::new(&self.0, Method::PUT, path, Some(serde_json::to_vec(body)))
    }

    /// Deletes what is at `path`. It is retried.
    pub fn delete<T>(&self, path: &str) -> Call<T> {
        Call::new(&self.0, Method::DELETE, path, None)
    }
}

fn with_cache(step: impl Step, settings: &ClientSettings, environment: &Environment) -> Arc<dyn Exchange> {
    let Some(cache) = settings.cache else {
        return Arc::new(step);
    };
    let principal = settings
        .identity
        .as_ref()
        .map(|identity| identity.principal().to_owned());
    let cache = ResponseCache::new(cache, environment.clone(), principal.unwrap_or_default());
    Arc::new(Cached::new(step, Arc::new(cache)))
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("service", &self.0.service)
            .finish_non_exhaustive()
    }
}
