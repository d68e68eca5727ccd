//! The viewer as a person. Nobody else sees what is in here.

use std::collections::HashMap;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{
    Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema, SchemaBuilder, SimpleObject,
};
use futures_util::future::try_join_all;
use storefront_users::{ReadUser, UserId, UserReadError, UserReader};

use crate::failure::{Failure, Found, own, viewer};
use crate::served::{Subgraph, loading};

/// The subgraph of users.
#[must_use]
pub fn users(users: UserReader) -> Subgraph {
    Subgraph::new("users", schema(), move |request, _| {
        request.data(loading(Users(users.clone())))
    })
}

pub(crate) fn schema() -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription)
}

/// A person. What they told of themselves is answered to themselves alone.
#[derive(Clone, SimpleObject)]
pub(crate) struct User {
    /// Who.
    id: ID,
    /// What to call them.
    display_name: String,
    /// The language they read, for example `de-DE`.
    locale: Option<String>,
    /// The https address of their picture.
    avatar: Option<String>,
    /// When they came, in RFC 3339.
    member_since: Option<String>,
}

impl From<ReadUser> for User {
    fn from(user: ReadUser) -> Self {
        Self {
            id: user.id.as_str().into(),
            display_name: user.profile.display_name,
            locale: user.profile.locale,
            avatar: user.profile.avatar,
            member_since: user.created_at.map(|moment| moment.to_string()),
        }
    }
}

pub(crate) struct Query;

#[Object]
impl Query {
    /// The viewer; null for one without a profile.
    async fn me(&self, context: &Context<'_>) -> Found<User> {
        match viewer(context) {
            Ok(viewer) => user(context, viewer.user_id()).await.transpose(),
            Err(failure) => Some(Err(failure.into())),
        }
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, context: &Context<'_>, id: ID) -> Found<User> {
        match own(context, &id) {
            Ok(()) => user(context, &id).await.transpose(),
            Err(failure) => Some(Err(failure.into())),
        }
    }
}

/// An identity provider's id that is none here is nobody's.
async fn user(context: &Context<'_>, id: &str) -> Result<Option<User>> {
    let Ok(id) = UserId::new(id) else {
        return Ok(None);
    };
    Ok(context.data::<DataLoader<Users>>()?.load_one(id).await?)
}

/// Users of one request: the viewer, once.
struct Users(UserReader);

impl Loader<UserId> for Users {
    type Value = User;
    type Error = Failure;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>, Failure> {
        let read = ids.iter().map(|id| self.0.user(id));
        let found = try_join_all(read).await.map_err(|error| match &error {
            UserReadError::Database(_) | UserReadError::Keys(_) => Failure::unavailable(&error),
            _ => Failure::internal(&error),
        })?;
        Ok(found
            .into_iter()
            .flatten()
            .map(|user| (user.id.clone(), user.into()))
            .collect())
    }
}
