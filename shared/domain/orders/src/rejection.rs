use std::error::Error;
use std::fmt;

use onecommit_domain_kernel::{Currency, Money};

use crate::state::OrderStatus;

/// Why an order refuses a command.
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
            Self::QuantityZero { sku } => write!(formatter, "the quantity of {sku} is zero; leave the line out"),
            Self::NegativePrice { sku } => write!(formatter, "the price of {sku} is negative"),
            Self::MixedCurrencies { sku, line, total } => {
                write!(
                    formatter,
                    "the price of {sku} is in {line}, the total in {total}; order in one currency"
                )
            }
            Self::TotalTooLarge => formatter.write_str("the lines add up to more than an amount can hold"),
            Self::NotTheSum { total, sum } => write!(
                formatter,
                "the total is {} and the lines add up to {}, in minor units of {}; show the customer the new total",
                total.minor_units(),
                sum.minor_units(),
                total.currency()
            ),
            Self::WrongState { command, status } => write!(formatter, "cannot {command} an order that is {status}"),
        }
    }
}

impl Error for OrderRejection {}
