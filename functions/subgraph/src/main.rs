//! Lambda and process: one of the storefront's subgraphs, over the tables and views of its context, which it only reads.

mod config;
mod sources;

use std::process::ExitCode;

use onecommit_aws::Wiring;
use onecommit_client::HttpTransport;
use onecommit_http::{json_errors, process};

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(config::settings)?;
        let environment = wiring.environment.clone();
        let transport = HttpTransport::new(settings.roots);
        let viewers = settings.sessions.viewers(settings.is_local, &transport, &environment)?;
        let (subgraph, health) = sources::subgraph(settings.sources, &wiring)?;
        let api = subgraph.router(viewers, environment.clone()).merge(health.router());
        match settings.listen {
            Some(address) => {
                Ok(process::serve(json_errors(api), address, settings.drain_within, &environment, || {}).await?)
            }
            None => onecommit_lambda::serve_api(api, environment).await,
        }
    })
}
