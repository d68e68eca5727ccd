use onecommit_environment::Environment;
use onecommit_saga::{Command, DefinitionError, Orchestrator, Saga, step};

use crate::order::{InventoryReserved, NotifyCustomer, Order, OrderCreated, OutOfStock, order_saga};
use crate::shop::Shop;

fn notify(order: &Order) -> NotifyCustomer {
    NotifyCustomer {
        order_id: order.order_id.clone(),
        customer_id: order.customer_id.clone(),
    }
}

#[test]
fn a_definition_draws_itself_as_its_documentation_shows_it() {
    let page = include_str!("../../../../docs/sagas.md");
    let drawn = order_saga().unwrap().to_mermaid();
    assert!(page.contains(&drawn), "docs/sagas.md should show\n{drawn}");
}

#[test]
fn the_documentation_shows_the_definition_that_the_tests_run() {
    let page = include_str!("../../../../docs/sagas.md");
    let source = include_str!("order.rs");
    let start = source.find("pub(crate) fn order_saga").unwrap();
    let end = start + source[start..].find("\n}\n").unwrap() + 3;
    let shown = source[start..end].replacen("pub(crate) ", "", 1);
    assert!(page.contains(&shown), "docs/sagas.md should show\n{shown}");
}

#[test]
fn a_definition_names_the_events_its_queue_has_to_get() {
    let types = order_saga().unwrap().event_types();
    assert!(types.contains("OrderCreated") && types.contains("PaymentVoided"));
    assert!(!types.contains("ReserveInventory"));
    assert_eq!(order_saga().unwrap().steps().next(), Some("reserve inventory"));
}

#[test]
fn what_is_no_definition_is_refused_with_a_remedy() {
    let begun = |name: &str| Saga::named(name, 1).started_by::<Order, OrderCreated>();
    let quiet = || step("notify", Command::of(notify).unanswered()).compensated_by(Command::of(notify).unanswered());
    let contradicting = Command::of(notify)
        .answered_by::<InventoryReserved>()
        .refused_by::<OutOfStock>()
        .refused_by::<InventoryReserved>();
    let hopeless = Command::of(notify).unanswered().attempts(0);
    let with = |action| step("ask", action).compensated_by(Command::of(notify).unanswered());
    for (result, expected) in [
        (begun("OrderSaga").build(), "has no steps"),
        (
            begun("Order#Saga").compensatable(quiet()).build(),
            "is not a valid name of a saga",
        ),
        (
            begun("S").compensatable(quiet()).compensatable(quiet()).build(),
            "two steps called",
        ),
        (begun("S").compensatable(with(contradicting)).build(), "keep one"),
        (begun("S").compensatable(with(hopeless)).build(), "at least one"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_version_is_registered_once() {
    let shop = Shop::open();
    let twice = [order_saga().unwrap(), order_saga().unwrap()];
    let table = onecommit_engine::Table::new("sagas");
    let orchestrator = Orchestrator::new(twice, table, shop.database, Environment::system());
    assert_eq!(
        orchestrator.unwrap_err(),
        DefinitionError::SameVersionTwice("OrderSaga".to_owned(), 1)
    );
}
