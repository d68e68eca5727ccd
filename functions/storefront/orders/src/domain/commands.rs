use storefront_money::Money;

use crate::{OrderCancelled, OrderShipped};

/// What may be asked of an order.
///
/// A command that asks for what has happened already, word for word, changes nothing and is not refused: whoever did
/// not get the answer may ask again.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderCommand {
    /// Place it.
    Create(NewOrder),
    /// It is certain: goods are reserved, money is taken.
    Confirm,
    /// It will not be fulfilled; possible until it is shipped.
    Cancel(OrderCancelled),
    /// It is on its way; possible once it is confirmed.
    Ship(OrderShipped),
    /// The customer has it; possible once it is shipped.
    Deliver,
}

/// An order that a customer wants to place.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrder {
    /// Who places it.
    pub customer_id: String,
    /// What is ordered, at least one line.
    pub lines: Vec<OrderedLine>,
    /// What the customer was told it costs in all; it has to be the sum of the lines.
    pub total: Money,
}

/// So many of one product.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderedLine {
    /// The product.
    pub sku: String,
    /// How many, at least one.
    pub quantity: u32,
    /// The price of one, in the currency of the order's total; not negative.
    pub unit_price: Money,
}

impl OrderCommand {
    /// What is asked for, in one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Confirm => "confirm",
            Self::Cancel(_) => "cancel",
            Self::Ship(_) => "ship",
            Self::Deliver => "deliver",
        }
    }
}
