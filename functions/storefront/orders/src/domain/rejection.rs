use std::error::Error;
use std::fmt;

use storefront_money::{Currency, Money};

use crate::OrderStatus;

/// Why an order refuses a command. The fields are for code; the words, which end up in logs and answers, quote none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRejection {
    /// An order of nothing.
    NoItems,
    /// A line of no pieces.
    QuantityZero {
        /// The line's product.
        sku: String,
    },
    /// A price below zero.
    NegativePrice {
        /// The line's product.
        sku: String,
    },
    /// A line in another currency than the total.
    MixedCurrencies {
        /// The line's product.
        sku: String,
        /// The line's currency.
        line: Currency,
        /// The total's currency.
        total: Currency,
    },
    /// The lines add up to more than an amount can hold.
    TotalTooLarge,
    /// The lines add up to something else than the total.
    NotTheSum {
        /// The total that was given.
        total: Money,
        /// What the lines add up to.
        sum: Money,
    },
    /// The order is not where this can be done.
    WrongState {
        /// What was asked for.
        command: &'static str,
        /// Where the order is.
        status: OrderStatus,
    },
}

impl fmt::Display for OrderRejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoItems => formatter.write_str("an order needs at least one line"),
            Self::QuantityZero { .. } => formatter.write_str("the quantity of a line is zero; leave the line out"),
            Self::NegativePrice { .. } => formatter.write_str("the price of a line is negative"),
            Self::MixedCurrencies { .. } => {
                formatter.write_str("the price of a line is in another currency than the total; order in one currency")
            }
            Self::TotalTooLarge => formatter.write_str("the lines add up to more than an amount can hold"),
            Self::NotTheSum { .. } => {
                formatter.write_str("the lines do not add up to the total; show the customer the new total")
            }
            Self::WrongState { command, status } => write!(formatter, "cannot {command} an order that is {status}"),
        }
    }
}

impl Error for OrderRejection {}
