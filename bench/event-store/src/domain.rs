//! The cart as a decider.

use std::convert::Infallible;

use onecommit_event::Payload;
use onecommit_event_store::{Decider, SnapshotPolicy, Snapshots, domain_events};

use crate::cart::{Cart, ItemsAdded};

impl Payload for ItemsAdded {
    const EVENT_TYPE: &'static str = "ItemsAdded";
}

domain_events! {
    pub(crate) enum CartEvent { ItemsAdded(ItemsAdded) }
}

impl Snapshots for Cart {
    const POLICY: SnapshotPolicy = SnapshotPolicy {
        every_events: 100,
        state_schema: 1,
    };
}

pub(crate) struct Carts;

impl Decider for Carts {
    const AGGREGATE_TYPE: &'static str = "Cart";
    type State = Cart;
    /// The writer who adds something.
    type Command = u32;
    type Event = CartEvent;
    type Rejection = Infallible;

    fn decide(_: &Cart, writer: &u32) -> Result<Vec<CartEvent>, Infallible> {
        Ok(vec![ItemsAdded::by(*writer).into()])
    }

    fn evolve(mut cart: Cart, event: &CartEvent) -> Cart {
        let CartEvent::ItemsAdded(added) = event;
        cart.add(added);
        cart
    }
}
