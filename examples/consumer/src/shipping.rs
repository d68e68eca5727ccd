use onecommit::{Atomic, Commit, Condition, Consumer, Event, Failure, Key, Payload, Table};
use serde::{Deserialize, Serialize};

/// Of an order, what shipping needs to know. Fields that others need may be there as well.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderCreated {
    customer_id: String,
    items: Vec<Line>,
}

/// So many of one product.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    sku: String,
    quantity: u32,
}

impl Payload for OrderCreated {
    const EVENT_TYPE: &'static str = "OrderCreated";
}

/// Asks for one shipment per order: a row with `pk` = `shipment#<order>` and `sk` = `status`.
pub(crate) struct Shipping {
    shipments: Table,
}

impl Shipping {
    pub(crate) fn new(shipments: Table) -> Self {
        Self { shipments }
    }

    /// The ledger remembers what was handled under this name: keep it when you rename the function.
    pub(crate) fn consumer(self, name: impl Into<String>) -> Consumer {
        Consumer::named(name).atomic(self)
    }
}

impl Atomic<OrderCreated> for Shipping {
    async fn handle(&self, event: Event<OrderCreated>) -> Result<Commit, Failure> {
        let (order_id, order) = (event.aggregate().id(), event.payload());
        if order.items.is_empty() {
            return Err(Failure::reject("an order without items cannot be shipped"));
        }
        let shipment = self
            .shipments
            .update(Key::of_view(format!("shipment#{order_id}"), "status"));
        let requested = shipment
            .set("orderId", order_id)
            .set("customerId", &order.customer_id)
            .set(
                "pieces",
                order.items.iter().map(|line| u64::from(line.quantity)).sum::<u64>(),
            )
            .set("status", "requested")
            .set("requestedAt", event.timestamp().to_string());
        // Also when a second event, with an id of its own, claims that the order was created.
        Ok(Commit::of(requested.only_if(Condition::absent("pk"))))
    }
}

#[cfg(test)]
mod tests {
    use onecommit::testing::{TestConsumer, an_event};
    use onecommit::{ParkReason, RetryReason, Verdict};

    use super::*;

    fn kit() -> TestConsumer {
        TestConsumer::new(Shipping::new(Table::new("shipments")).consumer("shipping"))
    }

    fn order(quantities: &[u32]) -> Event {
        let line = |quantity: &u32| Line {
            sku: "TEAPOT-RED".to_owned(),
            quantity: *quantity,
        };
        let items = quantities.iter().map(line).collect();
        an_event(
            "Order",
            "ord_1",
            OrderCreated {
                customer_id: "cus_7".to_owned(),
                items,
            },
        )
    }

    #[tokio::test]
    async fn copies_of_an_order_request_one_shipment() {
        let (kit, order) = (kit(), order(&[2, 1]));
        let verdicts = kit.receive(&[&order, &order]).await;
        assert_eq!(verdicts, [Verdict::Done, Verdict::Duplicate]);
        let shipment = kit.row("shipments", &["shipment#ord_1", "status"]).unwrap();
        assert_eq!(
            (shipment["status"].as_str(), shipment["pieces"].as_i64()),
            (Some("requested"), Some(3))
        );
    }

    #[tokio::test]
    async fn an_order_without_items_is_parked() {
        let kit = kit();
        let verdicts = kit.receive(&[&order(&[])]).await;
        assert!(
            matches!(
                &verdicts[..],
                [Verdict::Park {
                    reason: ParkReason::Rejected,
                    ..
                }]
            ),
            "{verdicts:?}"
        );
        assert_eq!(kit.row("shipments", &["shipment#ord_1", "status"]), None);
    }

    #[tokio::test]
    async fn a_second_event_requests_no_second_shipment() {
        let kit = kit();
        kit.receive(&[&order(&[2])]).await;
        let verdicts = kit.receive(&[&order(&[5])]).await;
        assert!(
            matches!(
                &verdicts[..],
                [Verdict::Retry {
                    reason: RetryReason::ConditionFailed,
                    ..
                }]
            ),
            "it comes back, and is parked when it has come back too often: {verdicts:?}"
        );
        assert_eq!(
            kit.row("shipments", &["shipment#ord_1", "status"]).unwrap()["pieces"].as_i64(),
            Some(2)
        );
    }
}
