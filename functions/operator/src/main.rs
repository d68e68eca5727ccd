//! Command line for those who run the storefront: what `onecommit-operator` does, with its views and aggregates.

use std::process::ExitCode;

use onecommit_operator::Operator;
use storefront_orders::Order;

fn main() -> ExitCode {
    Operator::named("operator")
        .version(env!("CARGO_PKG_VERSION"))
        .views(storefront_views::storefront)
        .aggregate::<Order>()
        .run()
}
