//! The storefront as its customers see it: products with stock, orders, and what became of them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::http::Method;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::lab::aws_json::{HttpClient, http_client};
use crate::lab::deployed::Deployed;
use crate::lab::json_api::ask;

/// Orders take these in turn, so that no single row of stock is what everybody waits for.
const PRODUCTS: usize = 16;
const PRICE_MINOR: u64 = 1_250;
/// A function that starts may refuse; an order's id makes asking again harmless.
const ATTEMPTS: usize = 5;
const SIDE_BY_SIDE: usize = 8;
/// The catalog hears of a confirmed order after the saga has ended.
const STOCK_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Shop<'a> {
    deployed: &'a Deployed,
    client: HttpClient,
    run: String,
}

/// What must hold in the end, added up over all orders and products.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) confirmed_orders: usize,
    pub(crate) stock_confirmed: u64,
    pub(crate) stock_held: u64,
}

impl<'a> Shop<'a> {
    /// Products with stock for all orders, and a payment provider that approves.
    pub(crate) async fn open(deployed: &'a Deployed, orders: usize) -> Result<Self> {
        let shop = Self {
            deployed,
            client: http_client(),
            run: Uuid::now_v7().simple().to_string(),
        };
        let price = json!({ "minorUnits": PRICE_MINOR, "currency": "EUR" });
        let product =
            json!({ "name": "Teapot", "category": "teapots", "price": price, "description": "Holds a litre." });
        let stock = json!({ "additionId": "first", "quantity": orders });
        for number in 0..PRODUCTS {
            let path = format!("/catalog/products/{}", shop.sku(number));
            shop.ask(Method::PUT, "CatalogApiUrl", &path, Some(&product)).await?;
            shop.ask(Method::POST, "CatalogApiUrl", &format!("{path}/stock"), Some(&stock))
                .await?;
        }
        let told = json!({ "method": shop.payment_method(), "behaviour": "approve" });
        let path = "/payments/local-provider/behaviour";
        shop.ask(Method::PUT, "PaymentsApiUrl", path, Some(&told)).await?;
        Ok(shop)
    }

    /// The id of the order with this number.
    pub(crate) fn order_id(&self, number: usize) -> String {
        format!("ord_{}_{number}", self.run)
    }

    /// Orders one piece.
    pub(crate) async fn place(&self, number: usize) -> Result<()> {
        let item = json!({ "sku": self.sku(number), "quantity": 1, "unitPriceMinor": PRICE_MINOR });
        let order = json!({
            "orderId": self.order_id(number), "customerId": format!("cus_{number}"), "currency": "EUR",
            "paymentMethod": self.payment_method(), "items": [item],
        });
        self.ask(Method::POST, "OrdersApiUrl", "/orders", Some(&order)).await?;
        Ok(())
    }

    /// Looks at every order and all stock, once nothing is held any more.
    pub(crate) async fn look(&self, orders: usize) -> Result<Ending> {
        let statuses: Vec<String> = stream::iter((0..orders).map(|number| self.status(number)))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        let deadline = Instant::now() + STOCK_PATIENCE;
        loop {
            let (stock_confirmed, stock_held) = self.stock().await?;
            let is_settled = stock_held == 0 && stock_confirmed >= orders as u64;
            if is_settled || Instant::now() > deadline {
                return Ok(Ending {
                    confirmed_orders: statuses.iter().filter(|status| *status == "confirmed").count(),
                    stock_confirmed,
                    stock_held,
                });
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn status(&self, number: usize) -> Result<String> {
        let path = format!("/orders/{}", self.order_id(number));
        let order = self.ask(Method::GET, "OrdersApiUrl", &path, None).await?;
        let status = order["status"].as_str().context("an order without a status")?;
        Ok(status.to_owned())
    }

    /// Pieces confirmed, and held.
    async fn stock(&self) -> Result<(u64, u64)> {
        let (mut confirmed, mut held) = (0, 0);
        for number in 0..PRODUCTS {
            let path = format!("/catalog/products/{}/stock", self.sku(number));
            let stock = self.ask(Method::GET, "CatalogApiUrl", &path, None).await?;
            confirmed += stock["confirmed"].as_u64().context("stock without `confirmed`")?;
            held += stock["held"].as_u64().context("stock without `held`")?;
        }
        Ok((confirmed, held))
    }

    async fn ask(&self, method: Method, api: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}{path}", self.deployed.output(api)?);
        let mut attempt = 1;
        loop {
            match ask(&self.client, method.clone(), &url, body).await {
                Err(error) if attempt < ATTEMPTS => eprintln!("asking again: {error:#}"),
                answer => return answer,
            }
            attempt += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn sku(&self, number: usize) -> String {
        format!("TEAPOT-{}-{}", self.run, number % PRODUCTS)
    }

    fn payment_method(&self) -> String {
        format!("card-{}", self.run)
    }
}

impl Ending {
    /// Every order confirmed, every piece that was ordered sold, and nothing kept back.
    pub(crate) fn check(&self, orders: usize) -> Result<()> {
        let is_right = self.confirmed_orders == orders && self.stock_confirmed == orders as u64 && self.stock_held == 0;
        ensure!(is_right, "{orders} orders of one piece ended as {self:?}");
        Ok(())
    }
}
