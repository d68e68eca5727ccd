//! A product as gRPC has it.

use storefront_catalog_proto as proto;

use crate::Price;
use crate::service::Product;

pub(super) fn product_of(product: Product) -> proto::Product {
    let available = product.is_available();
    let Product {
        sku,
        description,
        stock,
        ..
    } = product;
    proto::Product {
        sku: sku.into(),
        name: description.name().to_owned(),
        category: description.category().to_owned(),
        description: description.description().to_owned(),
        image_url: description.image_url().map(str::to_owned),
        price: Some(price_of(description.price())),
        available,
        stock: stock.available,
    }
}

fn price_of(price: Price) -> proto::Money {
    let money = price.money();
    proto::Money {
        minor_units: money.minor_units(),
        currency: money.currency().to_string(),
    }
}
