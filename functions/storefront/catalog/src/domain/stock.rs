/// How many of a product there are, by what they are for. None is ever negative, and
/// `start = available + held + confirmed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// All that ever came in.
    pub start: i64,
    /// What may still be ordered.
    pub available: i64,
    /// What is reserved for orders that are not confirmed yet.
    pub held: i64,
    /// What is the customers'.
    pub confirmed: i64,
}

/// What may happen to a quantity of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockMove {
    /// It came in.
    Add,
    /// An order reserved it.
    Hold,
    /// A reservation was given back, or expired.
    Release,
    /// The order that held it was confirmed.
    Confirm,
    /// The order was confirmed after its reservation had expired.
    Retake,
}

/// What a move changes, each number by so much.
pub type StockChange = Stock;

impl StockMove {
    /// What moving `quantity` changes.
    #[must_use]
    pub fn change(self, quantity: i64) -> StockChange {
        let nothing = StockChange::default();
        match self {
            Self::Add => StockChange {
                start: quantity,
                available: quantity,
                ..nothing
            },
            Self::Hold => StockChange {
                available: -quantity,
                held: quantity,
                ..nothing
            },
            Self::Release => StockChange {
                available: quantity,
                held: -quantity,
                ..nothing
            },
            Self::Confirm => StockChange {
                held: -quantity,
                confirmed: quantity,
                ..nothing
            },
            Self::Retake => StockChange {
                available: -quantity,
                confirmed: quantity,
                ..nothing
            },
        }
    }
}

impl Stock {
    /// Whether the numbers add up and none is negative.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let parts = [self.available, self.held, self.confirmed];
        parts.iter().all(|part| *part >= 0) && self.start == parts.iter().sum::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_move_changes_the_total_stock() {
        use StockMove::{Add, Confirm, Hold, Release, Retake};
        for stock_move in [Add, Hold, Release, Confirm, Retake] {
            let change = stock_move.change(3);
            assert_eq!(
                change.start,
                change.available + change.held + change.confirmed,
                "{stock_move:?}"
            );
            assert_eq!(change.start, if stock_move == Add { 3 } else { 0 }, "{stock_move:?}");
        }
    }
}
