//! Who borrows what.

use async_graphql::{ComplexObject, EmptyMutation, EmptySubscription, ID, Object, Schema, SimpleObject};

/// A painting that may be lent.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Painting {
    id: ID,
    #[graphql(external)]
    weight: Option<i32>,
}

#[ComplexObject]
impl Painting {
    /// What it costs to insure, by its weight.
    #[graphql(requires = "weight")]
    async fn insurance(&self) -> Option<i32> {
        self.weight.map(|grams| grams / 100)
    }

    async fn loans(&self, #[graphql(default = 10)] first: usize) -> Vec<Loan> {
        let loans = loans().into_iter().filter(|loan| loan.painting == self.id);
        loans.take(first).collect()
    }

    /// Whether it is here, which is always known.
    async fn is_here(&self) -> bool {
        loans().iter().all(|loan| loan.painting != self.id)
    }
}

/// A loan.
#[derive(Clone)]
pub(crate) struct Loan {
    id: ID,
    painting: ID,
    borrower: ID,
    name: &'static str,
    days: i32,
}

#[Object]
impl Loan {
    async fn id(&self) -> &ID {
        &self.id
    }

    async fn days(&self) -> i32 {
        self.days
    }

    async fn painting(&self) -> Painting {
        Painting {
            id: self.painting.clone(),
            weight: None,
        }
    }

    #[graphql(provides = "name")]
    async fn borrower(&self) -> Person {
        Person {
            id: self.borrower.clone(),
            name: Some(self.name.to_owned()),
        }
    }

    async fn keeper(&self) -> Person {
        Person {
            id: self.borrower.clone(),
            name: None,
        }
    }
}

/// Somebody who borrows.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Person {
    id: ID,
    #[graphql(external)]
    name: Option<String>,
}

#[ComplexObject]
impl Person {
    async fn loans(&self) -> Vec<Loan> {
        loans().into_iter().filter(|loan| loan.borrower == self.id).collect()
    }
}

fn loans() -> Vec<Loan> {
    let loan = |id: &str, painting: &str, borrower: &str, name, days| Loan {
        id: id.into(),
        painting: painting.into(),
        borrower: borrower.into(),
        name,
        days,
    };
    vec![
        loan("l1", "w1", "p2", "Grace", 30),
        loan("l2", "w1", "p1", "Ada", 7),
        loan("l3", "w2", "p2", "Grace", 1),
    ]
}

/// What can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    async fn loans(&self) -> Vec<Loan> {
        loans()
    }

    #[graphql(entity)]
    async fn find_loan(&self, id: ID) -> Option<Loan> {
        loans().into_iter().find(|loan| loan.id == id)
    }

    #[graphql(entity)]
    async fn find_painting(&self, #[graphql(key)] id: ID, weight: Option<i32>) -> Painting {
        Painting { id, weight }
    }

    #[graphql(entity)]
    async fn find_person(&self, id: ID) -> Person {
        Person { id, name: None }
    }
}

/// The subgraph.
pub(crate) fn schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
        .enable_federation()
        .finish()
}
