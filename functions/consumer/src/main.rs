//! Lambda: keeps the orders view, one commit per message.

use std::process::ExitCode;

use onecommit_aws::{ConsumerConfig, VIEWS_TABLE_NAME, Wiring};
use onecommit_config::Reader;
use onecommit_engine::Table;
use storefront_views::OrdersView;

fn settings(reader: &mut Reader<'_>) -> (ConsumerConfig, Table) {
    (ConsumerConfig::read(reader), Table::new(reader.text(&VIEWS_TABLE_NAME)))
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (config, views)) = Wiring::of_function(settings)?;
        let tables = wiring.tables();
        let view = OrdersView::new(tables.clone(), views);
        let (engine, queue) = wiring.consumer(tables, view.consumer(config.name.as_str()), config);
        onecommit_lambda::serve_consumer(engine, queue).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Consumer", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
