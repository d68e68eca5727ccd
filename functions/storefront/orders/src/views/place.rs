use std::fmt;

use onecommit_environment::Timestamp;

/// Where an order stands in a list that is sorted by when orders were placed: the cursor of such a list.
///
/// As text it is `2026-11-22T07:00:00.000Z_ord_1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPlace {
    created_at: Timestamp,
    order_id: String,
}

/// A text that is not a place in a list of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPlace;

/// The longest id that is looked for, in bytes: keys of DynamoDB have limits.
const ID_BYTES_MAX: usize = 512;

impl OrderPlace {
    pub(crate) fn new(created_at: Timestamp, order_id: impl Into<String>) -> Self {
        Self {
            created_at,
            order_id: order_id.into(),
        }
    }

    /// Reads what [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn parse(text: &str) -> Result<Self, InvalidPlace> {
        let (moment, order_id) = text.split_once('_').ok_or(InvalidPlace)?;
        let created_at = Timestamp::parse(moment).map_err(|_| InvalidPlace)?;
        if order_id.is_empty() || order_id.len() > ID_BYTES_MAX {
            return Err(InvalidPlace);
        }
        Ok(Self::new(created_at, order_id))
    }

    /// The sort key of rows that are in this order.
    pub(crate) fn sort_key(&self) -> String {
        format!("{}#{}", self.created_at, self.order_id)
    }

    /// The place of a row with such a sort key.
    pub(crate) fn of_sort_key(key: &str) -> Result<Self, InvalidPlace> {
        let (moment, order_id) = key.split_once('#').ok_or(InvalidPlace)?;
        let created_at = Timestamp::parse(moment).map_err(|_| InvalidPlace)?;
        Ok(Self::new(created_at, order_id))
    }
}

impl fmt::Display for OrderPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.created_at, self.order_id)
    }
}

impl fmt::Display for InvalidPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it is not a place in a list of orders; use `next` of the page before")
    }
}

impl std::error::Error for InvalidPlace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_text_and_from_a_sort_key() {
        let text = "2026-11-22T07:00:00.000Z_ord_1";
        let place = OrderPlace::parse(text).unwrap();
        assert_eq!(place.to_string(), text);
        assert_eq!(place.sort_key(), "2026-11-22T07:00:00.000Z#ord_1");
        assert_eq!(OrderPlace::of_sort_key(&place.sort_key()), Ok(place));
    }

    #[test]
    fn another_text_is_not_a_place() {
        let long = format!("2026-11-22T07:00:00.000Z_{}", "x".repeat(513));
        for text in [
            "",
            "_",
            "ord_1",
            "2026-11-22T07:00:00.000Z",
            "2026-11-22T07:00:00.000Z_",
            &long,
        ] {
            assert_eq!(OrderPlace::parse(text), Err(InvalidPlace), "{text}");
        }
    }
}
