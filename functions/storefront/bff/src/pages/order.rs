use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use onecommit_http::ApiError;

use super::forms::Form;
use super::layout::{Page, amount};
use super::signing_in::invitation;
use super::visitor::{Visitor, problem};
use crate::bff::Bff;
use crate::ordering::{IdempotencyKey, Placed, WantedItem, WantedOrder, place as place_order};
use crate::owned::owned_order;
use crate::request::Asked;
use crate::services::Order;
use crate::session::Caller;
use crate::updates::is_final;

const ROOT: &str = "../../";
/// The way of an order that goes well.
const STEPS: [(&str, &str); 5] = [
    ("requested", "Requested"),
    ("created", "Placed"),
    ("confirmed", "Paid and confirmed"),
    ("shipped", "Shipped"),
    ("delivered", "Delivered"),
];
/// On pages, everybody pays by card: the local payment provider takes no money.
const PAYMENT_METHOD: &str = "card";
const REFRESH_S: u8 = 3;

/// `POST /account/orders`: places an order of one product, and leads to its page.
pub(super) async fn place(State(bff): State<Bff>, asked: Asked, form: Form<Caller>) -> Response {
    match placed(&bff, &asked, &form).await {
        Ok(placed) => {
            let location = format!("orders/{}", placed.order_id);
            (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
        }
        Err(error) => problem(error.status(), error.message(), "../", Some(&form.who)).into_response(),
    }
}

async fn placed(bff: &Bff, asked: &Asked, form: &Form<Caller>) -> Result<Placed, ApiError> {
    let key = IdempotencyKey::new(form.field("key"))?;
    let quantity = form.field("quantity").parse();
    let quantity =
        quantity.map_err(|_| ApiError::invalid("invalidQuantity", "The quantity has to be a whole number."))?;
    let item = WantedItem {
        sku: form.field("sku").to_owned(),
        quantity,
    };
    let wanted = WantedOrder {
        items: vec![item],
        payment_method: PAYMENT_METHOD.to_owned(),
    };
    place_order(bff.services(), form.who.user_id(), &key, &wanted, &asked.context).await
}

/// `GET /account/orders/{id}`: an order, as it moves.
pub(super) async fn show(State(bff): State<Bff>, visitor: Visitor, asked: Asked, Path(id): Path<String>) -> Response {
    let Some(caller) = &visitor.caller else {
        let page = Page {
            status: StatusCode::UNAUTHORIZED,
            title: "Your order",
            root: ROOT,
            caller: None,
            refresh_s: None,
            content: invitation(&bff, ROOT),
        };
        return page.into_response();
    };
    let order = match owned_order(&bff, caller, &asked, &id).await {
        Ok(order) => order,
        Err(error) => return problem(error.status(), error.message(), ROOT, Some(caller)).into_response(),
    };
    let page = Page {
        status: StatusCode::OK,
        title: "Your order",
        root: ROOT,
        caller: Some(caller),
        refresh_s: (!is_final(&order)).then_some(REFRESH_S),
        content: content(&order),
    };
    page.into_response()
}

fn content(order: &Order) -> Markup {
    let updates = format!("{ROOT}orders/{}/updates", order.order_id);
    let updates = (!is_final(order)).then_some(updates);
    html! {
        p.soft { "Order " (order.order_id) }
        div id="order" aria-live="polite" data-updates=[updates] {
            (progress(order))
            @if let Some(shipment) = &order.shipment {
                p { "With " (shipment.carrier) ", tracking number " (shipment.tracking_id) }
            }
        }
        table {
            caption { "What was ordered" }
            thead { tr { th scope="col" { "Product" } th scope="col" { "Quantity" } } }
            tbody { @for line in &order.items { tr { td { (line.sku) } td { (line.quantity) } } } }
        }
        @if let Some(total) = order.total { p.price { "Total: " (amount(total)) } }
    }
}

fn progress(order: &Order) -> Markup {
    let reached = STEPS.iter().position(|(status, _)| *status == order.status);
    html! {
        @match reached {
            Some(reached) => ol.steps {
                @for (place, (_, name)) in STEPS.iter().enumerate() {
                    li.done[place <= reached] aria-current=[(place == reached).then_some("step")] { (name) }
                }
            },
            None => p.notice {
                "This order is " strong { (order.status) }
                @if let Some(reason) = &order.reason { ": " (reason) }
                "."
            },
        }
    }
}
