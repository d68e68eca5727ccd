use onecommit_client::{CallContext, CallError, Client, segment};
use serde::Deserialize;

use super::found;
use super::moment::Moment;

/// The API of the context users.
#[derive(Clone, Debug)]
pub(crate) struct Users(pub(super) Client);

/// What is known of a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) display_name: String,
    pub(crate) avatar: Option<String>,
    /// Absent for people who are known for longer than their rows say since when.
    pub(crate) created_at: Option<Moment>,
}

impl Users {
    /// A person's profile; nothing when the person never said who they are.
    pub(crate) async fn user(&self, id: &str, context: &CallContext) -> Result<Option<User>, CallError> {
        let path = format!("/users/{}", segment(id));
        found(self.0.on_behalf_of(context).get(&path).without_cache().await)
    }
}
