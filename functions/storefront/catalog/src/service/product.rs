//! A product's row: what is said about it, and its stock.

use onecommit_engine::{Condition, Item, Key, Table, Update};
use storefront_money::{Currency, Money};

use crate::service::row::{Row, RowError};
use crate::{Description, Line, Price, RefusalReason, Sku, Stock, StockMove};

/// The index of products by their category, with the SKU as its sort key.
pub(crate) const CATEGORY_INDEX: &str = "category";
/// Partition key of the rows that name the categories.
pub(crate) const CATEGORIES: &str = "categories";
/// The largest stock of a product: far from what 64 bits hold, whatever is added.
pub(crate) const STOCK_MAX: i64 = 1_000_000_000_000;

/// How often what is said about a product was written; rows of the time before it was counted do not have it.
const VERSION: &str = "version";

pub(crate) fn key(sku: &Sku) -> Key {
    Key::of_view(partition(sku), "product")
}

pub(crate) fn partition(sku: &Sku) -> String {
    format!("product#{sku}")
}

/// The write that says this about a product, which comes into being without stock if it is not there.
pub(crate) fn describe(table: &Table, sku: &Sku, description: &Description) -> Update {
    let described = table
        .update(key(sku))
        .set("sku", sku.as_str())
        .set("name", description.name())
        .set("category", description.category())
        .set("description", description.description());
    let described = match description.image_url() {
        Some(url) => described.set("imageUrl", url),
        None => described.remove("imageUrl"),
    };
    ["start", "available", "held", "confirmed"]
        .into_iter()
        .fold(priced(described, description.price()), |update, number| {
            update.set_if_absent(number, 0)
        })
}

pub(crate) fn priced(update: Update, price: Price) -> Update {
    let money = price.money();
    update
        .set("priceMinor", money.minor_units())
        .set("currency", money.currency().to_string())
        .add(VERSION, 1)
}

/// The write that moves so much of a product's stock. It lands only where no number becomes negative.
pub(crate) fn move_stock(table: &Table, sku: &Sku, moves: StockMove, quantity: i64) -> Update {
    let change = moves.change(quantity);
    [
        ("start", change.start),
        ("available", change.available),
        ("held", change.held),
        ("confirmed", change.confirmed),
    ]
    .into_iter()
    .filter(|(_, by)| *by != 0)
    .fold(table.update(key(sku)), |update, (number, by)| {
        let update = update.add(number, by);
        if by < 0 {
            update.only_if(Condition::at_least(number, -by))
        } else {
            update
        }
    })
}

/// That a product still costs what the order says.
pub(crate) fn costs(line: &Line, currency: Currency) -> Condition {
    Condition::equals("priceMinor", line.unit_price_minor).and(Condition::equals("currency", currency.to_string()))
}

/// A product as its row has it.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) sku: Sku,
    pub(crate) description: Description,
    pub(crate) stock: Stock,
    version: u64,
}

impl Product {
    /// Whether there is stock that can be reserved.
    pub(crate) fn is_available(&self) -> bool {
        self.stock.available > 0
    }

    /// What differs whenever something else is shown of it: what is said about it, or whether it is available. How many
    /// there are is not shown, and does not count.
    pub(crate) fn shown_version(&self) -> u64 {
        self.version
            .saturating_mul(2)
            .saturating_add(u64::from(self.is_available()))
    }

    /// That what is said about it is still the same.
    pub(crate) fn is_unchanged(&self) -> Condition {
        match self.version {
            0 => Condition::absent(VERSION),
            version => Condition::equals(VERSION, version),
        }
    }

    pub(crate) fn read(row: &Item) -> Result<Self, RowError> {
        let (sku, description) = read_description(row)?;
        let row = Row(row);
        let stock = Stock {
            start: row.number("start")?,
            available: row.number("available")?,
            held: row.number("held")?,
            confirmed: row.number("confirmed")?,
        };
        Ok(Self {
            sku,
            description,
            stock,
            version: row.number_if_any(VERSION),
        })
    }

    /// Why so many of it cannot be held at that price, if they cannot.
    pub(crate) fn refusal(&self, line: &Line, currency: Currency) -> Option<RefusalReason> {
        let asked = Money::new(line.unit_price_minor, currency);
        if self.description.price().money() != asked {
            Some(RefusalReason::PriceChanged)
        } else if self.stock.available < i64::from(line.quantity) {
            Some(RefusalReason::OutOfStock)
        } else {
            None
        }
    }
}

/// The product of a row, whatever else it holds.
pub(crate) fn sku_in(row: &Item) -> Option<Sku> {
    Sku::new(Row(row).text_if_any("sku")?).ok()
}

/// What is said about a product, which rows of the index hold too.
pub(crate) fn read_description(row: &Item) -> Result<(Sku, Description), RowError> {
    let row = Row(row);
    let sku = Sku::new(row.text("sku")?).map_err(|_| row.error("sku"))?;
    let currency = Currency::new(row.text("currency")?).map_err(|_| row.error("currency"))?;
    let price =
        Price::try_from(Money::new(row.number("priceMinor")?, currency)).map_err(|_| row.error("priceMinor"))?;
    let description = Description::new(
        row.text("name")?,
        row.text("category")?,
        price,
        row.text_if_any("description").unwrap_or_default(),
    );
    let description = description.map_err(|_| row.error("name, category or description"))?;
    match row.text_if_any("imageUrl") {
        Some(url) => Ok((sku, description.with_image(url).map_err(|_| row.error("imageUrl"))?)),
        None => Ok((sku, description)),
    }
}
