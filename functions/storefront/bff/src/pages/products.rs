use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use onecommit_client::CallError;
use serde::Deserialize;
use tracing::warn;

use super::layout::{Page, amount};
use super::signing_in::invitation;
use super::visitor::Visitor;
use crate::bff::Bff;
use crate::request::Asked;
use crate::services::Product;
use crate::session::Caller;

const ROOT: &str = "./";
/// The longest category that is asked for, in bytes.
const CATEGORY_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
pub(super) struct Wanted {
    category: Option<String>,
}

/// `GET /`: the products of a category, to order from.
pub(super) async fn show(
    State(bff): State<Bff>,
    visitor: Visitor,
    asked: Asked,
    Query(wanted): Query<Wanted>,
) -> Response {
    let caller = visitor.caller.as_ref();
    let wanted = wanted
        .category
        .filter(|text| (1..=CATEGORY_BYTES_MAX).contains(&text.len()));
    let (status, content) = match listed(&bff, wanted, &asked).await {
        Ok(listed) => (StatusCode::OK, listing(&bff, &listed, caller)),
        Err(error) => {
            warn!(error = %error, "products cannot be listed");
            let notice = html! { p.notice role="alert" { "The catalog does not answer now. Try again in a moment." } };
            (StatusCode::SERVICE_UNAVAILABLE, notice)
        }
    };
    let page = Page {
        status,
        title: "Products",
        root: ROOT,
        caller,
        refresh_s: None,
        content,
    };
    page.into_response()
}

struct Listed {
    categories: Vec<String>,
    shown: Option<String>,
    products: Vec<Product>,
}

async fn listed(bff: &Bff, wanted: Option<String>, asked: &Asked) -> Result<Listed, CallError> {
    let catalog = &bff.services().catalog;
    let categories = catalog.categories(&asked.context).await?;
    let shown = wanted.or_else(|| categories.first().cloned());
    let products = match &shown {
        Some(category) => catalog.of_category(category, &asked.context).await?,
        None => Vec::new(),
    };
    Ok(Listed {
        categories,
        shown,
        products,
    })
}

fn listing(bff: &Bff, listed: &Listed, caller: Option<&Caller>) -> Markup {
    html! {
        @if listed.categories.len() > 1 {
            form.row method="get" action=(ROOT) {
                div {
                    label for="category" { "Category" }
                    select id="category" name="category" {
                        @for category in &listed.categories {
                            option selected[listed.shown.as_ref() == Some(category)] { (category) }
                        }
                    }
                }
                button { "Show" }
            }
        }
        @if caller.is_none() { (invitation(bff, ROOT)) }
        @if listed.products.is_empty() { p { "There are no products yet." } }
        ul.cards {
            @for product in &listed.products {
                li.card { (card(bff, product, caller)) }
            }
        }
    }
}

fn card(bff: &Bff, product: &Product, caller: Option<&Caller>) -> Markup {
    let quantity_id = format!("quantity-{}", product.sku);
    html! {
        h2 { (product.name) }
        @if let Some(image) = product.image() { img src=(image) alt=""; }
        @if !product.description.is_empty() { p { (product.description) } }
        @if let Some(price) = product.price { p.price { (amount(price)) } }
        @match caller {
            _ if !product.available => p.soft { "Out of stock" },
            None => p.soft { "Sign in to order." },
            Some(caller) => form.row method="post" action={ (ROOT) "account/orders" } {
                input type="hidden" name="formToken" value=(caller.form_token());
                // The same form sent twice is one order.
                input type="hidden" name="key" value=(bff.environment().ids().next());
                input type="hidden" name="sku" value=(product.sku);
                div {
                    label for=(quantity_id) { "Quantity of " (product.name) }
                    input id=(quantity_id) type="number" name="quantity" value="1" min="1" max="1000" required;
                }
                button { "Order" }
            },
        }
    }
}
