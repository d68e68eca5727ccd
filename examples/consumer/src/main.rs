//! Lambda: asks for a shipment for each order, one commit per message.

mod shipping;

use std::process::ExitCode;

use onecommit::aws::{ConsumerConfig, Wiring};
use onecommit::config::{Reader, Setting};
use onecommit::{Table, lambda};

use crate::shipping::Shipping;

const SHIPMENTS_TABLE_NAME: Setting = Setting::required("SHIPMENTS_TABLE_NAME", "Table of shipments");

/// Reads what this function needs to know; everything that is missing or wrong is reported at once.
fn settings(reader: &mut Reader<'_>) -> (ConsumerConfig, Table) {
    let shipments = reader.text(&SHIPMENTS_TABLE_NAME);
    (ConsumerConfig::read(reader), Table::new(shipments))
}

fn main() -> ExitCode {
    lambda::start(async {
        let (wiring, (config, shipments)) = Wiring::of_function(settings)?;
        let consumer = Shipping::new(shipments).consumer(config.name.as_str());
        let (engine, queue) = wiring.consumer(wiring.tables(), consumer, config);
        lambda::serve_consumer(engine, queue).await
    })
}
