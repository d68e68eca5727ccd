//! A museum in four subgraphs: works, people, loans and ratings. They reach into each other in every way that Federation
//! knows: keys, `@requires`, `@provides`, `@override`, `@shareable`, `@interfaceObject`.

pub(crate) mod loans;
pub(crate) mod people;
pub(crate) mod ratings;
pub(crate) mod works;

use async_graphql::{Executor, Request, SDLExportOptions};
use axum::routing::post;
use axum::{Json, Router};

/// The subgraphs' names, in the order of their ports.
pub(crate) const NAMES: [&str; 4] = ["loans", "people", "ratings", "works"];

/// A subgraph over HTTP.
pub(crate) fn router(name: &str) -> Router {
    match name {
        "loans" => served(loans::schema()),
        "people" => served(people::schema()),
        "ratings" => served(ratings::schema()),
        _ => served(works::schema()),
    }
}

fn served(schema: impl Executor) -> Router {
    let answer = move |Json(request): Json<Request>| {
        let schema = schema.clone();
        async move { Json(schema.execute(request).await) }
    };
    Router::new().route("/graphql", post(answer))
}

/// A subgraph's schema, with the directives of Federation.
pub(crate) fn sdl(name: &str) -> String {
    let options = SDLExportOptions::new().federation().sorted_fields();
    match name {
        "loans" => loans::schema().sdl_with_options(options),
        "people" => people::schema().sdl_with_options(options),
        "ratings" => ratings::schema().sdl_with_options(options),
        _ => works::schema().sdl_with_options(options),
    }
}
