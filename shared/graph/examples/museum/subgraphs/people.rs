//! Who has to do with the museum.

use async_graphql::{EmptySubscription, Error, ErrorExtensions, ID, InputObject, Object, Result, Schema};

/// Somebody.
#[derive(Clone)]
pub(crate) struct Person {
    id: ID,
    name: &'static str,
}

#[Object]
impl Person {
    async fn id(&self) -> &ID {
        &self.id
    }

    async fn name(&self) -> Result<Option<&str>> {
        match self.name {
            "" => {
                Err(Error::new("the name is kept back")
                    .extend_with(|_, extensions| extensions.set("code", "KEPT_BACK")))
            }
            name => Ok(Some(name)),
        }
    }

    async fn nickname(&self) -> Option<&str> {
        Some("the wrong one: ratings overrides it")
    }

    async fn mail(&self) -> Result<Option<&str>> {
        Err(Error::new("connection to 10.0.0.7:5432 refused"))
    }
}

fn people() -> Vec<Person> {
    let person = |id: &str, name| Person { id: id.into(), name };
    vec![person("p1", "Ada"), person("p2", "Grace"), person("p3", "")]
}

/// Somebody new.
#[derive(InputObject)]
pub(crate) struct NewPerson {
    name: String,
    #[graphql(default)]
    tags: Vec<String>,
}

/// What can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    async fn person(&self, id: ID) -> Option<Person> {
        people().into_iter().find(|person| person.id == id)
    }

    async fn people(&self) -> Vec<Person> {
        people()
    }

    #[graphql(shareable)]
    async fn motto(&self) -> &str {
        "Look"
    }

    #[graphql(entity)]
    async fn find_person(&self, id: ID) -> Option<Person> {
        people().into_iter().find(|person| person.id == id)
    }
}

/// What can be changed.
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn add_person(&self, person: NewPerson) -> String {
        format!("{} ({})", person.name, person.tags.len())
    }
}

/// The subgraph.
pub(crate) fn schema() -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .enable_federation()
        .finish()
}
