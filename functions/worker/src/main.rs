//! Process: keeps the orders view like the `consumer` function, one commit per message, without Lambda.

mod config;
mod health;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws::Wiring;
use onecommit_http::process;
use onecommit_worker::Worker;
use storefront_views::OrdersView;

fn main() -> ExitCode {
    process::start(async {
        let (session, settings) = Wiring::of_process(config::settings)?;
        let shutdown = process::asked_to_end()?;
        let wiring = Wiring::on(onecommit_aws::credentials::load(session).await?);
        let (tables, config, environment) = (wiring.tables(), settings.consumer, wiring.environment.clone());
        let view = OrdersView::new(tables.clone(), settings.views);
        let (engine, queue) = wiring.consumer(tables, view.consumer(config.name.as_str()), config);
        let queue = Arc::new(queue);
        let worker = Worker::new(engine, queue.clone(), queue, settings.worker);
        let _health = health::serve(settings.health_address, worker.monitor(), environment).await?;
        worker.run(shutdown).await;
        Ok(())
    })
}
