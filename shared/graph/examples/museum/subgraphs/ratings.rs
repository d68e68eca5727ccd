//! What visitors think. It knows exhibits, and not what they are.

use async_graphql::{ComplexObject, EmptyMutation, EmptySubscription, ID, Object, Schema, SimpleObject};

/// Something on show.
#[derive(Clone, SimpleObject)]
#[graphql(interface_object, complex)]
pub(crate) struct Exhibit {
    id: ID,
}

#[ComplexObject]
impl Exhibit {
    async fn rating(&self) -> Option<f64> {
        match self.id.as_str() {
            "w1" => Some(4.5),
            "w6" => Some(3.0),
            _ => None,
        }
    }
}

/// Somebody, as visitors call them.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Person {
    id: ID,
}

#[ComplexObject]
impl Person {
    #[graphql(override_from = "people")]
    async fn nickname(&self) -> Option<String> {
        Some(format!("nick of {}", self.id.as_str()))
    }
}

/// What can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    async fn best(&self) -> Vec<Exhibit> {
        ["w1", "w6"].map(|id| Exhibit { id: id.into() }).into()
    }

    #[graphql(entity)]
    async fn find_exhibit(&self, id: ID) -> Exhibit {
        Exhibit { id }
    }

    #[graphql(entity)]
    async fn find_person(&self, id: ID) -> Person {
        Person { id }
    }
}

/// The subgraph.
pub(crate) fn schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .enable_federation()
        .finish()
}
