//! Lambda and process: the storefront's graph. It plans queries over the subgraphs, asks them, and answers.

mod config;
mod documents;
mod front;
mod page;
mod subgraphs;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::SignedCaller;
use onecommit_client::{HttpTransport, Identity};
use onecommit_config::{Process, Reader};
use onecommit_environment::Environment;
use onecommit_graph::{Gateway, Supergraph};
use onecommit_http::{json_errors, process};
use onecommit_lambda::Last;
use onecommit_telemetry::{Telemetry, traced};

/// What the subgraphs make together; `make supergraph` composes it.
const SUPERGRAPH: &str = include_str!("../../storefront/graph/schemas/supergraph.graphql");

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let mut reader = Reader::new(&Process);
        let telemetry = Telemetry::read(&mut reader);
        let settings = config::settings(&mut reader);
        reader.finish()?;
        telemetry.start();

        let environment = traced(Environment::system());
        let transport = HttpTransport::new(settings.roots.clone());
        let viewers = settings.sessions.viewers(settings.is_local, &transport, &environment)?;
        let identity = match settings.signing() {
            Some(session) => Some(Arc::new(SignedCaller::new(session, environment.clone())?) as Arc<dyn Identity>),
            None => None,
        };
        let circuits = settings.circuits(&environment);
        let subgraphs = subgraphs::clients(&transport, settings.addresses, identity, &circuits, &environment)?;
        let supergraph = Supergraph::parse(SUPERGRAPH)?;
        let gateway = Gateway::new(supergraph, Arc::new(subgraphs), settings.graph, environment.clone())?;
        let api = front::router(gateway, viewers, &environment);
        let api = match settings.is_local {
            true => api.merge(page::router()),
            false => api,
        };
        match settings.listen {
            Some(address) => {
                Ok(process::serve(json_errors(api), address, settings.drain_within, &environment, || {}).await?)
            }
            None => {
                let last = Last::of(move || circuits.clone().finish());
                onecommit_lambda::serve_api_until(api, environment, last).await
            }
        }
    })
}
