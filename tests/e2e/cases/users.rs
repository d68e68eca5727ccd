//! Who users are, and how they want to be reached.

use onecommit_event::Event;
use serde_json::{Value, json};

use crate::api::{get, put};
use crate::aws::Aws;
use crate::canaries::{EMAIL, NAME};
use crate::events::unique;
use crate::replies::Replies;

/// Registers a user over the API, and gives its id.
pub(super) fn register(aws: &Aws) -> String {
    let user_id = unique("cus");
    let url = format!("{}/users/{user_id}", aws.deployment.output("UsersApiUrl"));
    let answer = put(&url, &json!({"displayName": NAME}));
    assert_eq!((answer.status, &answer.body["version"]), (200, &json!(1)), "{answer:?}");
    user_id
}

pub(super) fn prefer(aws: &Aws, user_id: &str, preferences: &Value) {
    let url = format!("{}/users/{user_id}/preferences", aws.deployment.output("UsersApiUrl"));
    let answer = put(&url, preferences);
    assert_eq!(answer.status, 200, "{answer:?}");
}

pub(super) async fn who_registers_is_shown_and_everybody_hears_of_a_change() {
    let aws = Aws::connect();
    let published = Replies::from_now_on(&aws).await;
    let user_id = register(&aws);
    let preferences = json!({"email": EMAIL, "channels": ["email"]});
    prefer(&aws, &user_id, &preferences);
    prefer(&aws, &user_id, &preferences);
    let url = format!("{}/users/{user_id}/preferences", aws.deployment.output("UsersApiUrl"));
    let shown = get(&url);
    assert_eq!(
        (shown.status, &shown.body["version"]),
        (200, &json!(2)),
        "the same twice is one change"
    );
    let is_change = |event: &Event| event.aggregate().id() == user_id && event.metadata().sequence == Some(2);
    let event = published.first("the change of preferences", is_change).await;
    let payload: Value = serde_json::from_str(event.payload().get()).unwrap();
    assert_eq!(
        (event.event_type(), &payload["channels"]),
        ("UserPreferencesChanged", &json!(["email"]))
    );
    assert_eq!(payload["contact"]["subject"], json!(format!("User#{user_id}")));
    assert!(!event.to_json().contains(EMAIL), "addresses are sealed");
    let refused = put(&url, &json!({"channels": ["sms"]}));
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (400, &json!("invalidPreferences"))
    );
    let nobody = get(&format!(
        "{}/users/{}",
        aws.deployment.output("UsersApiUrl"),
        unique("nobody")
    ));
    assert_eq!((nobody.status, &nobody.body["error"]), (404, &json!("unknownUser")));
}
