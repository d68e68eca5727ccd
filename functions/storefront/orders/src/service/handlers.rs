//! The saga's commands: each is one read of the order and one transaction, and each is answered.

use onecommit_engine::{Atomic, Commit, Consumer, Failure};
use onecommit_event::{Event, NewEvent, Payload};
use onecommit_event_store::{DomainEvent, Loaded};
use storefront_money::Money;

use crate::service::answer::{Answer, answer};
use crate::service::{Orders, order, request_for};
use crate::{
    CancelOrder, ConfirmOrder, CreateOrder, NewOrder, Order, OrderCancelled, OrderCommand, OrderRefused,
    OrderUnchanged, OrderedLine,
};

pub(crate) fn register(consumer: Consumer, orders: &Orders) -> Consumer {
    consumer
        .atomic::<CreateOrder, _>(OnCommand(orders.clone()))
        .atomic::<ConfirmOrder, _>(OnCommand(orders.clone()))
        .atomic::<CancelOrder, _>(OnCommand(orders.clone()))
}

struct OnCommand(Orders);

impl Atomic<CreateOrder> for OnCommand {
    async fn handle(&self, event: Event<CreateOrder>) -> Result<Commit, Failure> {
        let create = event.into_payload();
        let currency = create.total.currency();
        let ordered = |line: crate::Line| OrderedLine {
            unit_price: Money::new(line.unit_price_minor, currency),
            sku: line.sku,
            quantity: line.quantity,
        };
        let new = NewOrder {
            customer_id: create.customer_id,
            lines: create.items.into_iter().map(ordered).collect(),
            total: create.total,
        };
        self.carry_out(create.order_id, &OrderCommand::Create(new)).await
    }
}

impl Atomic<ConfirmOrder> for OnCommand {
    async fn handle(&self, event: Event<ConfirmOrder>) -> Result<Commit, Failure> {
        self.carry_out(event.into_payload().order_id, &OrderCommand::Confirm)
            .await
    }
}

impl Atomic<CancelOrder> for OnCommand {
    async fn handle(&self, event: Event<CancelOrder>) -> Result<Commit, Failure> {
        let CancelOrder { order_id, reason } = event.into_payload();
        let cancel = OrderCommand::Cancel(OrderCancelled { reason });
        self.carry_out(order_id, &cancel).await
    }
}

impl OnCommand {
    async fn carry_out(&self, order_id: String, command: &OrderCommand) -> Result<Commit, Failure> {
        let stream = order(&order_id).map_err(Failure::Invalid)?;
        let Loaded { state, version } = self.0.0.store.load::<Order>(&stream).await?;
        match answer(&state, command) {
            Answer::Happens(events) => {
                let events = events.iter().map(DomainEvent::to_new).collect::<Result<Vec<_>, _>>()?;
                Ok(Commit::nothing().append(stream, version, events))
            }
            Answer::Unchanged => {
                let status = state.status;
                self.reply(&order_id.clone(), &OrderUnchanged { order_id, status })
                    .await
            }
            Answer::Refused(reason) => self.reply(&order_id.clone(), &OrderRefused { order_id, reason }).await,
        }
    }

    /// An answer that is no fact about the order. Only these need a second read, for the version of their stream.
    async fn reply<P: Payload>(&self, order_id: &str, reply: &P) -> Result<Commit, Failure> {
        let stream = request_for(order_id).map_err(Failure::Invalid)?;
        let version = self.0.0.store.version(&stream).await?;
        Ok(Commit::nothing().append(stream, version, [NewEvent::of(reply)?]))
    }
}
