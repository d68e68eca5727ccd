//! The museum's subgraphs, and a gateway in front of them.
//!
//! `cargo run -p onecommit-graph --example museum -- sdl FOLDER` writes the subgraphs' schemas, from which
//! `composition/compose.mjs` makes the supergraph. `... -- serve SUPERGRAPH` serves them on free ports of this machine, and
//! prints the ports. `... -- plan SUPERGRAPH QUERY` prints the plan of a query.

#![allow(clippy::print_stdout, reason = "a program for the command line")]

mod subgraphs;

use std::error::Error;
use std::sync::Arc;

use onecommit_client::{Address, Client, ClientSettings, HttpTransport, RootCertificates};
use onecommit_environment::Environment;
use onecommit_graph::{Caller, Clients, Gateway, GraphSettings, Supergraph, routes};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sdl", folder] => {
            for name in subgraphs::NAMES {
                std::fs::write(format!("{folder}/{name}.graphql"), subgraphs::sdl(name))?;
            }
            Ok(())
        }
        ["serve", supergraph] => serve(&std::fs::read_to_string(supergraph)?).await,
        ["plan", supergraph, query] => plan(&std::fs::read_to_string(supergraph)?, query),
        _ => Err("sdl FOLDER, serve SUPERGRAPH, or plan SUPERGRAPH QUERY".into()),
    }
}

/// A gateway that asks nobody: a plan needs no subgraph.
fn plan(supergraph: &str, query: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::system();
    let mut clients = Clients::new(environment.clone());
    for name in subgraphs::NAMES {
        let address = Address::fixed(name, "http://museum.test")?;
        let client = Client::new(
            subgraphs::router(name),
            address,
            ClientSettings::default(),
            environment.clone(),
        );
        clients = clients.with(name, client, "/graphql");
    }
    let settings = GraphSettings::default();
    let gateway = Gateway::new(Supergraph::parse(supergraph)?, Arc::new(clients), settings, environment)?;
    match gateway.plan(query, None) {
        Ok(plan) => println!("{plan}"),
        Err(errors) => println!("{errors:#?}"),
    }
    Ok(())
}

async fn serve(supergraph: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::system();
    let transport = HttpTransport::new(RootCertificates::default());
    let mut clients = Clients::new(environment.clone());
    for name in subgraphs::NAMES {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(axum::serve(listener, subgraphs::router(name)).into_future());
        let address = Address::fixed(name, &format!("http://127.0.0.1:{port}"))?;
        let client = Client::new(
            transport.clone(),
            address,
            ClientSettings::default(),
            environment.clone(),
        );
        clients = clients.with(name, client, "/graphql");
        println!("{name} {port}");
    }
    let settings = GraphSettings::default().introspection(true);
    let gateway = Gateway::new(Supergraph::parse(supergraph)?, Arc::new(clients), settings, environment)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("gateway {}", listener.local_addr()?.port());
    let routes = routes(Arc::new(gateway), Arc::new(|_| Caller::default()));
    Ok(axum::serve(listener, routes).await?)
}
