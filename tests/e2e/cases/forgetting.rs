//! A person is forgotten: afterwards nothing of them can be read anywhere.

use std::sync::Arc;

use onecommit_aws::DynamoDb;
use onecommit_aws::KmsKeyWrap;
use onecommit_engine::Table;
use onecommit_environment::Environment;
use onecommit_saga::Status;
use onecommit_sealing::{Field, Opened, SealError, Sealer, Subject};
use serde_json::json;

use super::operator::{operator, printed};
use super::storefront::Storefront;
use crate::api::{get, put, served};
use crate::aws::Aws;
use crate::canaries::{EMAIL_DOMAIN, NAME, lines_of_local_aws};
use crate::deployment::functions_lines;
use crate::events::unique;
use crate::patience::{eventually, eventually_some};

/// What nobody else is called, and where nobody else is reached.
struct Person {
    id: String,
    name: String,
    email: String,
    phone: String,
}

impl Person {
    fn new() -> Self {
        let id = unique("cus");
        let digits: String = id.bytes().filter(u8::is_ascii_digit).map(char::from).collect();
        Self {
            name: format!("{NAME} {}", &digits[..8]),
            email: format!("m{}@{EMAIL_DOMAIN}", &digits[..8]),
            phone: format!("+4999{}", &digits[..8]),
            id,
        }
    }

    fn traces_in(&self, text: &str) -> Vec<&str> {
        let traces = [&self.name, &self.email, &self.phone[1..].to_owned()].map(|trace| text.contains(trace));
        [&self.name, &self.email, &self.phone]
            .into_iter()
            .zip(traces)
            .filter_map(|(trace, found)| found.then_some(trace.as_str()))
            .collect()
    }
}

/// Every row of every table of the stack.
async fn all_tables(aws: &Aws) -> Vec<(String, String)> {
    let outputs = aws.deployment.outputs();
    let mut tables = Vec::new();
    for (name, table) in outputs.iter().filter(|(name, _)| name.ends_with("TableName")) {
        let rows: Vec<String> = aws.all_rows(table).await.iter().map(|row| format!("{row:?}")).collect();
        tables.push((name.clone(), rows.join("\n")));
    }
    tables
}

pub(super) async fn a_person_who_registered_ordered_and_was_told_is_forgotten_everywhere() {
    let aws = Aws::connect();
    let queue = aws.queue_behind_fifo_topic().await;
    let person = Person::new();
    let users = format!("{}/users/{}", aws.deployment.output("UsersApiUrl"), person.id);
    assert_eq!(put(&users, &json!({"displayName": person.name})).status, 200);
    let wanted = json!({"email": person.email, "phone": person.phone, "channels": ["email", "sms"]});
    assert_eq!(put(&format!("{users}/preferences"), &wanted).status, 200);
    let key = [
        ("pk", format!("customer#{}", person.id)),
        ("sk", "preferences".to_owned()),
    ];
    let known = async || aws.row(aws.deployment.output("NotificationsTableName"), &key).await;
    eventually_some("the preferences to be known", known).await;

    let template = format!(
        "{}/notifications/templates/orderConfirmed",
        aws.deployment.output("NotificationsApiUrl")
    );
    let draft = json!({"subject": "Order {{ orderId }}", "text": "Your order {{ orderId }} is confirmed.", "parameters": ["orderId"]});
    assert_eq!(put(&template, &draft).status, 200);
    let storefront = Storefront::open(aws.deployment.outputs().clone(), 8);
    let order_id = storefront.place_for(&person.id);
    let ended = async || storefront.status_of(&aws, &order_id).await;
    eventually("the order to be confirmed", ended, |status| {
        *status == Some(Status::Completed)
    })
    .await;
    let notifications = format!(
        "{}/notifications?customerId={}",
        aws.deployment.output("NotificationsApiUrl"),
        person.id
    );
    let told = async || get(&notifications).body["notifications"][0].clone();
    let handed_over = |told: &serde_json::Value| {
        let deliveries = told["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries.len() == 2 && deliveries.iter().all(|delivery| delivery["status"] == "handedOver")
    };
    let told = eventually("both deliveries to be handed over", told, handed_over).await;
    assert_eq!(
        told["deliveries"][0]["recipient"],
        json!(person.email),
        "who may see it, sees it"
    );

    let keys = aws.deployment.output("SubjectKeysTableName").to_owned();
    let subject = format!("User#{}", person.id);
    let forgotten = operator(&aws, &["subjects", "forget", &subject, "--yes", "--json"]);
    assert_eq!(printed(&forgotten)[0]["hadKey"], json!(true));
    let row = aws.row(&keys, &[("subject", subject.clone())]).await.unwrap();
    assert!(!row.contains_key("key") && !row.contains_key("wrappedKey"), "{row:?}");

    // A function that has the key in memory still has it for a few seconds.
    let shown = async || get(&users);
    let gone = eventually("the user to be forgotten", shown, |shown| shown.status == 410).await;
    assert_eq!(gone.body["error"], json!("forgottenUser"));
    let told = async || get(&notifications).body.to_string();
    eventually("what they were told to be forgotten", told, |told| {
        person.traces_in(told).is_empty()
    })
    .await;
    for (table, rows) in all_tables(&aws).await {
        assert_eq!(person.traces_in(&rows), [""; 0], "{table}");
    }
    let bodies = aws.take_bodies(&queue).await;
    assert!(
        bodies
            .iter()
            .any(|body| body.contains("UserRegistered") && body.contains(&person.id))
    );
    for body in bodies {
        assert_eq!(person.traces_in(&body), [""; 0], "{body}");
    }
    for letter in aws.dead_letters().all_with(&person.id) {
        assert_eq!(person.traces_in(&letter.body), [""; 0], "{letter:?}");
    }
    let file = std::env::temp_dir().join(unique("export"));
    let stream = format!("User#{}", person.id);
    printed(&operator(
        &aws,
        &[
            "events",
            "export",
            &stream,
            "--output",
            file.to_str().unwrap(),
            "--json",
        ],
    ));
    let export = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(export.contains("UserPreferencesChanged"));
    assert_eq!(person.traces_in(&export), [""; 0], "{export}");
    let lines = functions_lines();
    assert!(!lines.is_empty());
    for line in lines.into_iter().chain(lines_of_local_aws(&aws.deployment.log)) {
        assert_eq!(person.traces_in(&line), [""; 0], "{line}");
    }
    // Nothing more is taken of them.
    let changed = async || served("PUT", &users, Some(&json!({"displayName": person.name}))).status;
    eventually("changes to be refused", changed, |status| *status == 410).await;
}

pub(super) async fn keys_wrapped_with_kms_open_with_that_key_only() {
    const NOTE: Field = Field::named("Test.note");
    let aws = Aws::connect();
    let kms = aws_sdk_kms::Client::new(&aws.session.sdk_config());
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = kms.create_key().send().await.unwrap().key_metadata.unwrap();
        keys.push(made.arn.unwrap());
    }
    let database = Arc::new(DynamoDb::new(&aws.session));
    let table = Table::new(aws.deployment.output("SubjectKeysTableName"));
    let plain = || Sealer::new(database.clone(), table.clone(), Environment::system());
    let wrapping =
        |key: &str| plain().wrapping_keys_with(Arc::new(KmsKeyWrap::new(aws.session.clone(), key.to_owned())));
    let subject = Subject::new(unique("Test")).unwrap();
    let sealer = wrapping(&keys[0]);
    let sealed = sealer
        .seal_within(&subject, NOTE, "event-1", &"private".to_owned())
        .await
        .unwrap();
    let opened = sealer.open_within(NOTE, "event-1", &sealed).await.unwrap();
    assert_eq!(opened, Opened::Known("private".to_owned()));
    let without = plain().open_within(NOTE, "event-1", &sealed).await;
    assert!(matches!(without, Err(SealError::CorruptKey { .. })), "{without:?}");
    let with_another = wrapping(&keys[1]).open_within(NOTE, "event-1", &sealed).await;
    // KMS refuses it; MiniStack's gives something else, which opens nothing.
    let is_refused = matches!(with_another, Err(SealError::Wrap { .. } | SealError::Tampered { .. }));
    assert!(is_refused, "{with_another:?}");
    sealer.forget(&subject).await.unwrap();
    let forgotten = sealer.open_within(NOTE, "event-1", &sealed).await.unwrap();
    assert!(matches!(forgotten, Opened::Forgotten { .. }), "{forgotten:?}");
}
