//! Stand-ins for contexts: a catalog that holds goods, and notifications that tell nobody.

use std::sync::Arc;

use onecommit_commit::{Atomic, Commit, Condition, Consumer, Database, Failure, Key, Rows, Table};
use onecommit_domain_catalog::{
    InventoryConfirmed, InventoryRefused, InventoryReleased, InventoryReserved, RefusalReason, ReleaseInventory,
    ReserveInventory,
};
use onecommit_domain_notifications::{CustomerNotified, NotifyCustomer};
use onecommit_domain_orders::OrderConfirmed;
use onecommit_event::{Aggregate, Event, NewEvent};
use onecommit_event_store::EventStore;
use onecommit_testing::MemoryDatabase;

#[derive(Clone)]
pub(crate) struct Shelf {
    database: Arc<MemoryDatabase>,
}

#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) start: i64,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) confirmed: i64,
}

impl Shelf {
    pub(crate) fn new(database: Arc<MemoryDatabase>) -> Self {
        Self { database }
    }

    pub(crate) async fn put(&self, sku: &str, count: i64, price: i64) {
        let row = products().update(product(sku));
        let row = row.set("start", count).set("available", count).set("price", price);
        let row = row.set("held", 0).set("confirmed", 0).set("all", sku);
        self.database.write(&row.into()).await.unwrap();
    }

    pub(crate) fn stock(&self) -> Vec<Stock> {
        let rows = ["TEAPOT", "CUP"].map(|sku| self.database.row("products", &[sku]));
        let number = |row: &onecommit_commit::Item, name: &str| row[name].as_i64().unwrap();
        let rows = rows.into_iter().flatten();
        rows.map(|row| Stock {
            start: number(&row, "start"),
            available: number(&row, "available"),
            held: number(&row, "held"),
            confirmed: number(&row, "confirmed"),
        })
        .collect()
    }

    pub(crate) fn hold_of(&self, order: &str) -> Option<String> {
        let row = self.database.row("holds", &[order])?;
        let status = row["status"].as_str().unwrap();
        (status != "refused").then(|| status.to_owned())
    }

    pub(crate) fn consumer(&self, name: &str) -> Consumer {
        Consumer::named(name)
            .atomic::<ReserveInventory, _>(self.clone())
            .atomic::<ReleaseInventory, _>(self.clone())
            .atomic::<OrderConfirmed, _>(self.clone())
    }

    async fn hold(&self, order: &str) -> Result<(Option<String>, u64, Vec<(String, i64)>), Failure> {
        let row = self.database.get(&holds(), &Key::new("pk", order)).await?;
        let Some(row) = row else {
            return Ok((None, 0, Vec::new()));
        };
        let status = row["status"].as_str().unwrap().to_owned();
        let goods: Vec<(String, i64)> = serde_json::from_str(row["goods"].as_str().unwrap()).unwrap();
        Ok((Some(status), row["version"].as_u64().unwrap(), goods))
    }
}

fn becomes(order: &str, version: u64, status: &str, goods: &[(String, i64)], reply: NewEvent) -> Commit {
    let stream = Aggregate::new("Reservation", order).unwrap();
    let row = holds().update(Key::new("pk", order)).set("status", status);
    let row = row
        .set("version", version + 1)
        .set("goods", serde_json::to_string(goods).unwrap());
    Commit::of(row.only_if(match version {
        0 => Condition::absent("pk"),
        _ => Condition::equals("version", version),
    }))
    .append(stream, version, [reply])
}

impl Atomic<ReserveInventory> for Shelf {
    async fn handle(&self, event: Event<ReserveInventory>) -> Result<Commit, Failure> {
        let asked = event.payload();
        let order_id = asked.order_id.clone();
        let (status, version, goods) = self.hold(&order_id).await?;
        let refused = |sku: &str| InventoryRefused {
            order_id: order_id.clone(),
            reason: RefusalReason::OutOfStock,
            sku: sku.to_owned(),
        };
        let reserved = NewEvent::of(&InventoryReserved {
            order_id: order_id.clone(),
            expires_at: "2026-11-22T08:00:00.000Z".to_owned(),
        })?;
        match status.as_deref() {
            Some("held" | "confirmed") => return Ok(becomes(&order_id, version, &status.unwrap(), &goods, reserved)),
            Some(other) => return Ok(becomes(&order_id, version, other, &goods, NewEvent::of(&refused("X"))?)),
            None => {}
        }
        let wanted: Vec<(String, i64)> = asked
            .items
            .iter()
            .map(|item| (item.sku.clone(), i64::from(item.quantity)))
            .collect();
        for (sku, quantity) in &wanted {
            let row = self.database.get(&products(), &product(sku)).await?.unwrap();
            if row["available"].as_i64().unwrap() < *quantity {
                return Ok(becomes(
                    &order_id,
                    version,
                    "refused",
                    &[],
                    NewEvent::of(&refused(sku))?,
                ));
            }
        }
        let commit = becomes(&order_id, version, "held", &wanted, reserved);
        Ok(wanted.iter().fold(commit, |commit, (sku, quantity)| {
            let row = products()
                .update(product(sku))
                .add("available", -quantity)
                .add("held", *quantity);
            commit.with(row.only_if(Condition::at_least("available", *quantity)))
        }))
    }
}

impl Atomic<ReleaseInventory> for Shelf {
    async fn handle(&self, event: Event<ReleaseInventory>) -> Result<Commit, Failure> {
        let order_id = event.payload().order_id.clone();
        let (status, version, goods) = self.hold(&order_id).await?;
        let released = NewEvent::of(&InventoryReleased {
            order_id: order_id.clone(),
            expired: false,
        })?;
        let commit = becomes(&order_id, version, "released", &goods, released);
        if status.as_deref() != Some("held") {
            return Ok(commit);
        }
        Ok(goods.iter().fold(commit, |commit, (sku, quantity)| {
            commit.with(
                products()
                    .update(product(sku))
                    .add("available", *quantity)
                    .add("held", -quantity),
            )
        }))
    }
}

impl Atomic<OrderConfirmed> for Shelf {
    async fn handle(&self, event: Event<OrderConfirmed>) -> Result<Commit, Failure> {
        let order_id = event.aggregate().id().to_owned();
        let (status, version, goods) = self.hold(&order_id).await?;
        if status.as_deref() != Some("held") {
            return Ok(Commit::nothing());
        }
        let confirmed = NewEvent::of(&InventoryConfirmed {
            order_id: order_id.clone(),
        })?;
        let commit = becomes(&order_id, version, "confirmed", &goods, confirmed);
        Ok(goods.iter().fold(commit, |commit, (sku, quantity)| {
            commit.with(
                products()
                    .update(product(sku))
                    .add("confirmed", *quantity)
                    .add("held", -quantity),
            )
        }))
    }
}

/// Tells nobody, and says that it did.
pub(crate) struct Silent(pub(crate) EventStore);

impl Silent {
    pub(crate) fn consumer(self, name: &str) -> Consumer {
        Consumer::named(name).atomic::<NotifyCustomer, _>(self)
    }
}

impl Atomic<NotifyCustomer> for Silent {
    async fn handle(&self, event: Event<NotifyCustomer>) -> Result<Commit, Failure> {
        let asked = event.payload();
        let stream = Aggregate::new("Notification", format!("{}-{}", asked.order_id, asked.template))?;
        let notified = NewEvent::of(&CustomerNotified {
            order_id: asked.order_id.clone(),
            template: asked.template.clone(),
            channels: Vec::new(),
        })?;
        let version = self.0.version(&stream).await?;
        Ok(Commit::nothing().append(stream, version, [notified]))
    }
}

fn products() -> Table {
    Table::new("products")
}

fn product(sku: &str) -> Key {
    Key::new("pk", sku)
}

fn holds() -> Table {
    Table::new("holds")
}
