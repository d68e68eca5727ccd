use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use http::Request;
use onecommit_callers::Guard;
use onecommit_environment::Environment;
use onecommit_http::health::Health;
use onecommit_resilience::Bulkhead;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tower::Service;
use tracing::{info, warn};

use super::connections::Connections;
use super::deadline::{Deadlines, in_time};
use super::described::{InvalidDescription, described};
use super::guarded::known;
use super::load::placed;
use super::panics::caught;
use super::protocol::grpc_only;
use super::settings::ServerSettings;
use super::sizes::too_large;
use super::traces::{traced, written};

/// Services, with health and what else a process around them needs.
pub struct GrpcServer {
    routes: Routes,
    /// The services' names, as the health is asked for.
    names: Vec<&'static str>,
    descriptions: Vec<&'static [u8]>,
    guard: Option<Guard>,
    health: Arc<Health>,
    settings: ServerSettings,
    environment: Environment,
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every call that was begun was answered.
    Drained,
    /// Some were not, within [`ServerSettings::drain_within`].
    CutOff,
}

impl GrpcServer {
    /// Without services yet; ready as long as it answers.
    #[must_use]
    pub fn new(settings: ServerSettings, environment: Environment) -> Self {
        Self {
            routes: Routes::default(),
            names: Vec::new(),
            descriptions: Vec::new(),
            guard: None,
            health: Arc::new(Health::new(environment.clone())),
            settings,
            environment,
        }
    }

    /// With this service, as generated code has it. How large a message may be is said there (`max_decoding_message_size`).
    #[must_use]
    pub fn serving<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// With reflection of what this compiled proto file describes. Without one there is no reflection.
    #[must_use]
    pub fn described_by(mut self, description: &'static [u8]) -> Self {
        self.descriptions.push(description);
        self
    }

    /// For callers whom this guard lets in; its routes are `POST /package.Service/Method`, reflection's among them. Without it, for
    /// everybody.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Ready while the required checks say so: `grpc.health.v1` and the pages `/health`, `/health/live`, `/health/ready` say the same.
    #[must_use]
    pub fn healthy_while(mut self, health: Health) -> Self {
        self.health = Arc::new(health);
        self
    }

    /// All of it as a router, for tests that send requests to it without a network. Its health is that of now.
    ///
    /// # Errors
    /// When a description is none.
    pub async fn into_router(self) -> Result<Router, InvalidDescription> {
        let (names, status) = (self.names.clone(), status_of(&self.health).await);
        let (router, reporter) = self.built(&CancellationToken::new())?;
        report(&reporter, &names, status).await;
        Ok(router)
    }

    /// Serves connections of `listener` until `asked_to_end` is done. Then the health is `NOT_SERVING`, clients are told to go elsewhere
    /// (`GOAWAY`), and what was begun is finished within [`ServerSettings::drain_within`].
    ///
    /// # Errors
    /// When a description is none.
    pub async fn serve(
        self,
        listener: TcpListener,
        asked_to_end: impl Future<Output = ()> + Send,
    ) -> Result<Ended, InvalidDescription> {
        let ending = CancellationToken::new();
        let (settings, environment, health) = (self.settings, self.environment.clone(), self.health.clone());
        let names = self.names.clone();
        let (router, reporter) = self.built(&ending)?;
        let mut reported = status_of(&health).await;
        report(&reporter, &names, reported).await;
        let end = async {
            asked_to_end.await;
            info!("asked to end; calls that were begun are finished");
            report(&reporter, &names, ServingStatus::NotServing).await;
            ending.cancel();
        };
        let connections = Connections {
            router,
            settings,
            environment: environment.clone(),
            ending: ending.clone(),
        };
        let serving = async { tokio::join!(end, connections.serve(listener)) };
        let watched = async {
            while !ending.is_cancelled() {
                environment.clock().sleep(settings.health_every).await;
                let status = status_of(&health).await;
                // Whoever watches is told of changes alone.
                if status != reported && !ending.is_cancelled() {
                    report(&reporter, &names, status).await;
                    reported = status;
                }
            }
            std::future::pending().await
        };
        let late = async {
            ending.cancelled().await;
            environment.clock().sleep(settings.drain_within).await;
        };
        tokio::select! {
            _ = serving => Ok(Ended::Drained),
            () = watched => Ok(Ended::Drained),
            () = late => {
                warn!("some calls were not finished in time");
                Ok(Ended::CutOff)
            }
        }
    }

    fn built(self, ending: &CancellationToken) -> Result<(Router, HealthReporter), InvalidDescription> {
        let (reporter, health) = health_reporter();
        let mut routes = self.routes.add_service(health);
        if !self.descriptions.is_empty() {
            routes = described(routes, &self.descriptions)?;
        }
        // The last is outermost.
        let mut calls = routes
            .into_axum_router()
            .layer(from_fn(too_large))
            .layer(from_fn(caught));
        if let Some(guard) = self.guard {
            calls = calls.layer(from_fn_with_state(guard, known));
        }
        let deadlines = Deadlines {
            call_within: self.settings.call_within,
            environment: self.environment.clone(),
            ending: ending.clone(),
        };
        let places = Bulkhead::new("grpc", self.settings.calls_max, self.environment.clone());
        let calls = calls
            .layer(from_fn_with_state(deadlines, in_time))
            .layer(from_fn_with_state(places, placed))
            .layer(from_fn_with_state(self.environment.clone(), traced))
            .layer(from_fn_with_state(self.environment.clone(), written))
            .layer(from_fn(grpc_only));
        Ok((Health::router_of(self.health).merge(calls), reporter))
    }
}

async fn status_of(health: &Health) -> ServingStatus {
    match health.is_ready().await {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

async fn report(reporter: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    // The empty name is the whole process.
    for name in names.iter().copied().chain([""]) {
        reporter.set_service_status(name, status).await;
    }
}

impl fmt::Debug for GrpcServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GrpcServer")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
