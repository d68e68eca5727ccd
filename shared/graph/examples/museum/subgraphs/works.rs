//! What the museum has.

use async_graphql::{EmptySubscription, Enum, ID, Interface, Object, Schema, SimpleObject, Union};

/// What a sculpture is made of.
#[derive(Clone, Copy, Enum, Eq, PartialEq)]
pub(crate) enum Material {
    /// Stone.
    Marble,
    /// Metal.
    Bronze,
}

/// A painting.
#[derive(Clone, SimpleObject)]
pub(crate) struct Painting {
    id: ID,
    title: String,
    /// In grams.
    weight: Option<i32>,
    artist: Option<Person>,
}

/// A sculpture.
#[derive(Clone, SimpleObject)]
pub(crate) struct Sculpture {
    id: ID,
    title: String,
    weight: Option<i32>,
    material: Material,
}

/// Somebody, known elsewhere.
#[derive(Clone, SimpleObject)]
#[graphql(unresolvable)]
pub(crate) struct Person {
    id: ID,
}

/// Anything that is on show.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID"), field(name = "title", ty = "&String"))]
pub(crate) enum Exhibit {
    /// A painting.
    Painting(Painting),
    /// A sculpture.
    Sculpture(Sculpture),
}

/// What a search finds.
#[derive(Union)]
pub(crate) enum Find {
    /// A painting.
    Painting(Painting),
    /// A sculpture.
    Sculpture(Sculpture),
    /// Somebody.
    Person(Person),
}

fn person(id: &str) -> Option<Person> {
    Some(Person { id: id.into() })
}

fn paintings() -> Vec<Painting> {
    let painting = |id: &str, title: &str, weight, artist| Painting {
        id: id.into(),
        title: title.to_owned(),
        weight,
        artist,
    };
    vec![
        painting("w1", "The Night", Some(9_000), person("p1")),
        painting("w2", "The Morning", Some(4_000), person("p2")),
        painting("w3", "The Noon", None, person("p1")),
        // An artist that nobody knows, and none at all.
        painting("w4", "The Evening", Some(700), person("p0")),
        painting("w5", "Untitled", Some(1), None),
    ]
}

fn sculptures() -> Vec<Sculpture> {
    vec![Sculpture {
        id: "w6".into(),
        title: "The Horse".to_owned(),
        weight: Some(90_000),
        material: Material::Bronze,
    }]
}

fn exhibits() -> Vec<Exhibit> {
    let paintings = paintings().into_iter().map(Exhibit::Painting);
    paintings
        .chain(sculptures().into_iter().map(Exhibit::Sculpture))
        .collect()
}

/// What can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    async fn exhibits(&self) -> Vec<Exhibit> {
        exhibits()
    }

    async fn painting(&self, id: ID) -> Option<Painting> {
        paintings().into_iter().find(|painting| painting.id == id)
    }

    async fn paintings(&self, #[graphql(default = 10)] first: usize) -> Vec<Painting> {
        paintings().into_iter().take(first).collect()
    }

    async fn search(&self, text: String) -> Vec<Find> {
        let paintings = paintings()
            .into_iter()
            .filter(|painting| painting.title.contains(&text));
        let sculptures = sculptures()
            .into_iter()
            .filter(|sculpture| sculpture.title.contains(&text));
        let found = paintings.map(Find::Painting).chain(sculptures.map(Find::Sculpture));
        found.chain(person("p1").map(Find::Person)).collect()
    }

    #[graphql(shareable)]
    async fn motto(&self) -> &str {
        "Look"
    }

    #[graphql(entity)]
    async fn find_exhibit(&self, id: ID) -> Option<Exhibit> {
        exhibits().into_iter().find(|exhibit| match exhibit {
            Exhibit::Painting(painting) => painting.id == id,
            Exhibit::Sculpture(sculpture) => sculpture.id == id,
        })
    }

    #[graphql(entity)]
    async fn find_painting(&self, id: ID) -> Option<Painting> {
        paintings().into_iter().find(|painting| painting.id == id)
    }

    #[graphql(entity)]
    async fn find_sculpture(&self, id: ID) -> Option<Sculpture> {
        sculptures().into_iter().find(|sculpture| sculpture.id == id)
    }
}

/// What can be changed.
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn rename_painting(&self, id: ID, title: String) -> Option<Painting> {
        let painting = paintings().into_iter().find(|painting| painting.id == id)?;
        Some(Painting { title, ..painting })
    }
}

/// The subgraph.
pub(crate) fn schema() -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .enable_federation()
        .finish()
}
