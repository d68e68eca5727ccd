//! Process: answers for the catalog over gRPC. It reads the catalog's table, and writes nothing.

mod address;
mod config;

use std::process::ExitCode;

use onecommit_aws::Wiring;
use onecommit_engine::Key;
use onecommit_http::health::{Health, row_answers};
use onecommit_http::process;
use storefront_catalog::catalog_grpc;

fn main() -> ExitCode {
    process::start(async {
        let (session, mut settings) = Wiring::of_process(config::settings)?;
        let shutdown = process::asked_to_end()?;
        let wiring = Wiring::on(onecommit_aws::credentials::load(session).await?);
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let guard = settings.guard(&environment)?;
        let table_answers = row_answers(tables.clone(), settings.table.clone(), Key::of_view("health", "health"));
        let health = Health::new(environment.clone()).required("database", table_answers);
        let server = catalog_grpc(tables, settings.table, settings.server, environment).healthy_while(health);
        let server = match guard {
            Some(guard) => server.guarded(guard),
            None => server,
        };
        let listener = address::listen(settings.listen).await?;
        server.serve(listener, shutdown).await?;
        Ok(())
    })
}
