//! What tests of commands need: an order in a store in memory, and a screen to look at.

use std::io::Cursor;
use std::sync::Arc;

use onecommit_engine::{EventLog, Table};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Metadata};
use onecommit_event_store::EventStore;
use onecommit_testing::MemoryDatabase;
use storefront_money::{Currency, Money};
use storefront_orders::{NewOrder, Order, OrderCommand, OrderShipped, OrderedLine};

use crate::terminal::Terminal;

#[derive(Default)]
pub(crate) struct Screen {
    input: String,
    output: Vec<u8>,
    notes: Vec<u8>,
}

impl Screen {
    pub(crate) fn with_input(input: impl Into<String>) -> Self {
        Self {
            input: input.into(),
            ..Self::default()
        }
    }

    pub(crate) fn for_people(&mut self) -> Terminal<'_> {
        Terminal {
            json: false,
            input: Box::new(Cursor::new(self.input.as_bytes())),
            output: Box::new(&mut self.output),
            notes: Box::new(&mut self.notes),
        }
    }

    pub(crate) fn for_programs(&mut self) -> Terminal<'_> {
        Terminal {
            json: true,
            ..self.for_people()
        }
    }

    pub(crate) fn output(&self) -> String {
        String::from_utf8(self.output.clone()).unwrap()
    }

    pub(crate) fn notes(&self) -> String {
        String::from_utf8(self.notes.clone()).unwrap()
    }
}

pub(crate) fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

pub(crate) fn order(id: &str) -> Aggregate {
    Aggregate::new("Order", id).unwrap()
}

/// Order#ord_1 was created, confirmed and shipped.
pub(crate) async fn a_store_with_an_order() -> (Arc<MemoryDatabase>, EventStore) {
    a_store_with_an_order_in(Environment::system()).await
}

/// The same at the time of this environment.
pub(crate) async fn a_store_with_an_order_in(environment: Environment) -> (Arc<MemoryDatabase>, EventStore) {
    let tables = Arc::new(MemoryDatabase::default());
    let store = EventStore::new(tables.clone(), tables.clone(), log(), environment);
    let price = Money::new(1_250, Currency::new("EUR").unwrap());
    let create = OrderCommand::Create(NewOrder {
        customer_id: "cus_7".into(),
        lines: vec![OrderedLine {
            sku: "TEAPOT".into(),
            quantity: 1,
            unit_price: price,
        }],
        total: price,
    });
    let ship = OrderCommand::Ship(OrderShipped {
        carrier: "DHL".into(),
        tracking_id: "JD014600003".into(),
    });
    for command in [create, OrderCommand::Confirm, ship] {
        let cause = Metadata::starting("request-1");
        store.execute::<Order>(&order("ord_1"), &command, &cause).await.unwrap();
    }
    (tables, store)
}
