use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{Page, amount};
use super::signing_in::invitation;
use super::visitor::{Visitor, problem};
use crate::bff::Bff;
use crate::dashboard::{Activity, Dashboard, Entry, gather};
use crate::request::Asked;

const ROOT: &str = "./";

/// `GET /account`: the dashboard.
pub(super) async fn show(State(bff): State<Bff>, visitor: Visitor, asked: Asked) -> Response {
    let Some(caller) = &visitor.caller else {
        let page = Page {
            status: StatusCode::UNAUTHORIZED,
            title: "Your dashboard",
            root: ROOT,
            caller: None,
            refresh_s: None,
            content: invitation(&bff, ROOT),
        };
        return page.into_response();
    };
    let (asking, within) = ((&asked.context, asked.deadline), bff.settings().dashboard_within);
    let dashboard = gather(bff.services(), caller.user_id(), asking, within, bff.environment()).await;
    let Some(dashboard) = dashboard else {
        let message = "Nothing of your dashboard can be shown now. Try again in a moment.";
        return problem(StatusCode::SERVICE_UNAVAILABLE, message, ROOT, Some(caller)).into_response();
    };
    let page = Page {
        status: StatusCode::OK,
        title: "Your dashboard",
        root: ROOT,
        caller: Some(caller),
        refresh_s: None,
        content: content(&dashboard),
    };
    page.into_response()
}

fn content(dashboard: &Dashboard) -> Markup {
    html! {
        @if !dashboard.degraded.is_empty() {
            p.notice role="status" {
                "Some of this cannot be shown now: " (dashboard.degraded.join(", ")) " did not answer."
            }
        }
        section aria-labelledby="you" {
            h2 id="you" { "You" }
            @match &dashboard.user {
                None => (missing()),
                Some(user) => p {
                    @if let Some(avatar) = &user.avatar { img.avatar src=(avatar) alt=""; " " }
                    strong { (user.name.as_deref().unwrap_or("You have no profile yet")) }
                    @if let Some(since) = user.member_since {
                        span.soft { ", member since " (day(&String::from(since))) }
                    }
                },
            }
        }
        section aria-labelledby="stats" {
            h2 id="stats" { "Your orders" }
            @match &dashboard.stats {
                None => (missing()),
                Some(stats) => dl.stats {
                    div { dt { "Orders" } dd { (stats.total_orders) } }
                    div { dt { "Pending" } dd { (stats.pending_orders) } }
                    div {
                        dt { "Spent" }
                        @for money in &stats.total_spent { dd { (amount(*money)) } }
                        @if stats.total_spent.is_empty() { dd { "nothing yet" } }
                    }
                },
            }
        }
        section aria-labelledby="recent" {
            h2 id="recent" { "Recent activity" }
            @match &dashboard.recent_activity {
                None => (missing()),
                Some(entries) if entries.is_empty() => p { "Nothing happened yet." },
                Some(entries) => table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Status" } } }
                    tbody { @for entry in entries { (row(entry)) } }
                },
            }
        }
        section aria-labelledby="recommended" {
            h2 id="recommended" { "You may like" }
            @match &dashboard.recommendations {
                None => (missing()),
                Some(products) if products.is_empty() => p { "Order something, and we will find out." },
                Some(products) => ul.cards {
                    @for product in products {
                        li.card {
                            h3 { (product.name) }
                            @if let Some(image) = &product.image { img src=(image) alt=""; }
                            @if let Some(price) = product.price { p.price { (amount(price)) } }
                        }
                    }
                },
            }
        }
    }
}

fn row(activity: &Activity) -> Markup {
    let date = String::from(activity.date);
    html! {
        tr {
            td { time datetime=(date) { (day(&date)) } }
            @match &activity.entry {
                Entry::Order { status } => {
                    td { a href={ (ROOT) "account/orders/" (activity.id) } { (activity.title) } }
                    td { (status) }
                },
                Entry::Notification { read } => {
                    td { (activity.title) }
                    td { @if *read { "read" } @else { "unread" } }
                },
            }
        }
    }
}

fn missing() -> Markup {
    html! { p.soft { "This cannot be shown now." } }
}

/// The day of a moment in RFC 3339.
fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or_default()
}
