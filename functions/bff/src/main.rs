//! Lambda and process: the storefront's front door, behind a REST API or on an address of its own.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::SignedCaller;
use onecommit_client::{HttpTransport, Identity};
use onecommit_config::{Process, Reader};
use onecommit_environment::Environment;
use onecommit_grpc::Http2Transport;
use onecommit_http::process;
use onecommit_lambda::Last;
use storefront_bff::{Bff, BffSettings, Door, Services, Sessions};

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let mut reader = Reader::new(&Process);
        let log_level = onecommit_telemetry::read_level(&mut reader);
        let mut settings = config::settings(&mut reader);
        reader.finish()?;
        onecommit_telemetry::init(log_level);

        let environment = Environment::system();
        let transport = HttpTransport::new(settings.roots.clone());
        let people = settings.people(&transport, &environment)?;
        let sessions = Sessions::new(
            people.issuers,
            people.local,
            settings.origin.clone(),
            environment.clone(),
        );
        let tokens = settings.service_tokens(&environment)?;
        let identity = match settings.signing() {
            Some(session) => Some(Arc::new(SignedCaller::new(session, environment.clone())?) as Arc<dyn Identity>),
            None => None,
        };
        let circuits = settings.circuits(&environment);
        let addresses = settings.addresses.ok_or(config::Incomplete::Addresses)?;
        let services = Services::new(transport, addresses, identity, &circuits, &environment)?;
        let services = match &settings.catalog_grpc {
            Some(origin) => {
                let transport = Http2Transport::new(settings.roots.clone());
                let tokens = tokens.map(|tokens| Arc::new(tokens) as Arc<dyn Identity>);
                services.with_inventory(origin, transport, tokens, &circuits, &environment)?
            }
            None => services,
        };
        let door = match settings.listen {
            Some(_) => Door::Streaming,
            None => Door::Buffered,
        };
        let limits = BffSettings {
            door,
            ..settings.limits
        };
        let bff = Bff::new(services, sessions, limits, environment.clone());
        match settings.listen {
            Some(address) => {
                // A process that drains cannot wait for people who watch.
                let ending = bff.ending();
                let streams_end = move || ending.cancel();
                Ok(process::serve(bff.router(), address, settings.drain_within, &environment, streams_end).await?)
            }
            None => {
                let last = Last::of(move || circuits.clone().finish());
                onecommit_lambda::serve_api_until(bff.router(), environment, last).await
            }
        }
    })
}
