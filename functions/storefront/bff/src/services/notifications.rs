use onecommit_client::{CallContext, CallError, Client, segment};
use serde::Deserialize;

use super::moment::Moment;

/// The API of the context notifications.
#[derive(Clone, Debug)]
pub(crate) struct Notifications(pub(super) Client);

/// What a person was told.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) notification_id: String,
    /// Absent once the person was forgotten.
    pub(crate) title: Option<String>,
    pub(crate) read: bool,
    pub(crate) created_at: Moment,
}

#[derive(Deserialize)]
struct Page {
    notifications: Vec<Notification>,
}

impl Notifications {
    /// A person's newest notifications, the newest first.
    pub(crate) async fn newest(
        &self,
        customer: &str,
        count: usize,
        context: &CallContext,
    ) -> Result<Vec<Notification>, CallError> {
        let path = format!("/notifications?customerId={}&limit={count}", segment(customer));
        let page: Page = self.0.on_behalf_of(context).get(&path).without_cache().await?;
        Ok(page.notifications)
    }
}
