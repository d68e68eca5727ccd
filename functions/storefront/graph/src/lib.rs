//! The storefront's subgraphs (Federation 2): the catalog, the orders and the users, each over the tables and views of its own
//! context, which it reads and never writes.
//!
//! ```text
//! catalog  product(id) products(ids)                      Product: name, category, price, available, ...
//! orders   order(id) ordersByProduct(productId, ..)       Order: status, total, items { product }, customer
//!                                                         Product.orders(first, after), User.orders(first, after)
//! users    me                                             User: displayName, avatar, memberSince, ...
//! ```
//!
//! The catalog is for everybody. Orders and users are the viewer's own ([`storefront_viewer::Viewer`]): without a viewer they are
//! refused, another person's order is as one that does not exist, and another person is refused. What one request asks of many
//! products or orders is loaded at once.
//!
//! `schemas/` holds the schemas as the code has them, and the supergraph that is composed of them: docs/graph.md.

mod catalog;
mod failure;
mod money;
mod orders;
mod served;
mod users;

pub use catalog::catalog;
pub use orders::orders;
pub use served::Subgraph;
pub use users::users;

/// The names of the subgraphs.
pub const NAMES: [&str; 3] = ["catalog", "orders", "users"];

/// The schema of the subgraph of this name, with the directives of Federation; `None` for another name.
#[must_use]
pub fn sdl(name: &str) -> Option<String> {
    let options = async_graphql::SDLExportOptions::new().federation().sorted_fields();
    match name {
        "catalog" => Some(catalog::schema().enable_federation().finish().sdl_with_options(options)),
        "orders" => Some(orders::schema().enable_federation().finish().sdl_with_options(options)),
        "users" => Some(users::schema().enable_federation().finish().sdl_with_options(options)),
        _ => None,
    }
}
