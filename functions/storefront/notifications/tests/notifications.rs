//! What customers get to hear, and how often.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use onecommit_engine::{EventLog, ParkReason, RetryReason, Table, TableReader, Verdict};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Event, Metadata};
use onecommit_sealing::Sealer;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use serde_json::{Value, json};
use storefront_notifications::Notifications;
use storefront_notifications::{
    CONTACT, Channel, Contact, Courier, CustomerNotified, DeliveryError, NotifyCustomer, Parcel, Traced,
    UserPreferencesChanged, subject_of,
};
use tower::ServiceExt;

/// A carrier that notes what it delivers, and has trouble when it is told to.
#[derive(Default)]
struct Carrier {
    delivered: Mutex<Vec<Parcel>>,
    troubles: Mutex<VecDeque<Trouble>>,
    /// Whether it can tell what became of a delivery.
    traces: bool,
}

#[derive(Clone, Copy)]
enum Trouble {
    /// It takes nothing for now.
    Closed,
    /// It delivers, and its answer is lost.
    Silent,
    /// It takes nothing like this.
    Refuses,
}

impl Carrier {
    fn delivered(&self) -> Vec<(Channel, String)> {
        let delivered = self.delivered.lock().unwrap();
        delivered
            .iter()
            .map(|parcel| (parcel.channel, parcel.recipient.clone()))
            .collect()
    }

    fn will(&self, trouble: Trouble) {
        self.troubles.lock().unwrap().push_back(trouble);
    }
}

#[async_trait]
impl Courier for Carrier {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        tokio::task::yield_now().await;
        let trouble = self.troubles.lock().unwrap().pop_front();
        match trouble {
            Some(Trouble::Closed) => return Err(DeliveryError::NotSent("closed".into())),
            Some(Trouble::Refuses) => return Err(DeliveryError::Refused("no such address".into())),
            _ => self.delivered.lock().unwrap().push(parcel.clone()),
        }
        match trouble {
            Some(Trouble::Silent) => Err(DeliveryError::Unknown("no answer".into())),
            _ => Ok(format!("receipt-of-{}", parcel.id)),
        }
    }

    async fn trace(&self, parcel: &Parcel) -> Result<Traced, DeliveryError> {
        if !self.traces {
            return Ok(Traced::Unknown);
        }
        let is_delivered = self.delivered.lock().unwrap().iter().any(|known| known.id == parcel.id);
        Ok(match is_delivered {
            true => Traced::HandedOver(format!("receipt-of-{}", parcel.id)),
            false => Traced::Missing,
        })
    }
}

/// As long as in the function.
const KEYS_KEPT_FOR: Duration = Duration::from_secs(10);

struct House {
    kit: TestConsumer,
    database: Arc<MemoryDatabase>,
    carrier: Arc<Carrier>,
    notifications: Notifications,
    sealer: Arc<Sealer>,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl House {
    fn with(carrier: Carrier) -> Self {
        let (database, carrier) = (Arc::<MemoryDatabase>::default(), Arc::new(carrier));
        let environment = Environment::system();
        let table = Table::new("notifications");
        let keys = Table::new("subject-keys");
        let sealer = Sealer::new(database.clone(), keys, environment.clone());
        let sealer = Arc::new(sealer.with_cache(KEYS_KEPT_FOR));
        let notifications = Notifications::new(
            database.clone(),
            table,
            carrier.clone(),
            sealer.clone(),
            environment.clone(),
        );
        let consumer = notifications.consumer("notifications");
        let kit = TestConsumer::on(database.clone(), consumer, environment).with_event_log(log());
        Self {
            kit,
            database,
            carrier,
            notifications,
            sealer,
        }
    }

    /// A house that knows the template `orderConfirmed`, and a customer with both addresses who wants these channels.
    async fn furnished(carrier: Carrier, channels: &[&str]) -> Self {
        let house = Self::with(carrier);
        let (status, _) = house.put_template("Your order {{ orderId }} is confirmed.").await;
        assert_eq!(status, StatusCode::OK);
        house.handles(&preferences(1, channels)).await;
        house
    }

    async fn handles(&self, event: &Event) {
        assert_eq!(self.kit.receive(&[event]).await, [Verdict::Done], "{}", event.to_json());
    }

    async fn events(&self) -> Vec<Event> {
        let query = log().table().query("stream", "Notification#ord_1-orderConfirmed");
        let page = self.database.query(&query).await.unwrap();
        page.rows.iter().map(|row| EventLog::event_in(row).unwrap()).collect()
    }

    /// The events of a type, in the order of the stream.
    async fn events_of(&self, event_type: &str) -> Vec<Event> {
        let events = self.events().await;
        events
            .into_iter()
            .filter(|event| event.event_type() == event_type)
            .collect()
    }

    async fn put_template(&self, text: &str) -> (StatusCode, Value) {
        let draft = json!({"subject": "Order {{ orderId }}", "text": text, "parameters": ["orderId"]});
        self.ask("PUT", "/notifications/templates/orderConfirmed", Some(draft))
            .await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let router = onecommit_http::json_errors(self.notifications.api());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

fn contact() -> Contact {
    Contact {
        email: Some("ada@example.com".into()),
        phone: Some("+4930123456".into()),
        push_endpoint: None,
    }
}

/// As the context users tells it: with the addresses sealed within the event `within`, or within itself.
async fn sealed_preferences(house: &House, within: Option<&str>) -> Event {
    let changed = UserPreferencesChanged {
        user_id: "cus_1".into(),
        contact: None,
        in_clear: Contact::default(),
        channels: vec!["email".into(), "sms".into()],
    };
    let event = an_event("User", "cus_1", changed).with_metadata(Metadata {
        sequence: Some(1),
        ..Metadata::starting("somebody")
    });
    let id = event.id().to_string();
    let (subject, contact) = (subject_of("cus_1").unwrap(), contact());
    let sealed = house
        .sealer
        .seal_within(&subject, CONTACT, within.unwrap_or(&id), &contact)
        .await
        .unwrap();
    let mut json: Value = serde_json::from_str(&event.to_json()).unwrap();
    json["payload"]["contact"] = serde_json::to_value(sealed).unwrap();
    Event::from_json(&json.to_string()).unwrap()
}

/// The rows of a customer, as text.
async fn written_down(house: &House) -> String {
    let query = Table::new("notifications").query("pk", "customer#cus_1");
    format!("{:?}", house.database.query(&query).await.unwrap().rows)
}

#[tokio::test]
async fn notifying_a_customer_stores_no_address_in_clear() {
    let house = House::with(Carrier::default());
    house.put_template("Your order {{ orderId }} is confirmed.").await;
    house.handles(&sealed_preferences(&house, None).await).await;
    house.handles(&notify()).await;
    for due in house.events_of("NotificationDeliveryDue").await {
        house.handles(&due).await;
    }
    let recipients: Vec<String> = house
        .carrier
        .delivered
        .lock()
        .unwrap()
        .iter()
        .map(|parcel| parcel.recipient.clone())
        .collect();
    assert_eq!(recipients, ["ada@example.com", "+4930123456"]);
    let written = written_down(&house).await;
    assert!(
        !["ada@", "4930123456", "is confirmed"]
            .iter()
            .any(|text| written.contains(text)),
        "{written}"
    );
    let (_, shown) = house.ask("GET", "/notifications?customerId=cus_1", None).await;
    assert_eq!(
        shown["notifications"][0]["deliveries"][0]["recipient"],
        "ada@example.com"
    );

    house.sealer.forget(&subject_of("cus_1").unwrap()).await.unwrap();
    let (status, shown) = house.ask("GET", "/notifications?customerId=cus_1", None).await;
    let told = shown["notifications"][0].clone();
    assert_eq!(
        (status, told["deliveries"][0]["status"].as_str()),
        (StatusCode::OK, Some("handedOver"))
    );
    assert!(
        told["text"].is_null() && told["deliveries"][0]["recipient"].is_null(),
        "{told}"
    );
}

#[tokio::test]
async fn addresses_copied_into_another_event_do_not_open() {
    let house = House::with(Carrier::default());
    house.put_template("Your order {{ orderId }} is confirmed.").await;
    house
        .handles(&sealed_preferences(&house, Some("0192f0c1-0000-7000-8000-000000000001")).await)
        .await;
    let verdicts = house.kit.receive(&[&notify()]).await;
    let [
        Verdict::Park {
            reason: ParkReason::Rejected,
            error,
        },
    ] = &verdicts[..]
    else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("changed or moved"), "{error}");
}

#[tokio::test]
async fn a_forgotten_customer_is_not_notified() {
    let house = House::with(Carrier::default());
    house.put_template("Your order {{ orderId }} is confirmed.").await;
    house.handles(&sealed_preferences(&house, None).await).await;
    house.sealer.forget(&subject_of("cus_1").unwrap()).await.unwrap();
    house.handles(&notify()).await;
    assert!(house.events_of("NotificationDeliveryDue").await.is_empty());
}

#[tokio::test]
async fn a_delivery_that_was_due_when_its_customer_was_forgotten_is_parked() {
    let house = House::with(Carrier::default());
    house.put_template("Your order {{ orderId }} is confirmed.").await;
    house.handles(&sealed_preferences(&house, None).await).await;
    house.handles(&notify()).await;
    house.sealer.forget(&subject_of("cus_1").unwrap()).await.unwrap();
    let due = house.events_of("NotificationDeliveryDue").await.remove(0);
    let verdicts = house.kit.receive(&[&due]).await;
    assert!(matches!(verdicts[..], [Verdict::Park { .. }]), "{verdicts:?}");
    assert!(house.carrier.delivered.lock().unwrap().is_empty());
}

fn preferences(sequence: u64, channels: &[&str]) -> Event {
    let changed = UserPreferencesChanged {
        user_id: "cus_1".into(),
        contact: None,
        in_clear: contact(),
        channels: channels.iter().map(|channel| (*channel).to_owned()).collect(),
    };
    an_event("User", "cus_1", changed).with_metadata(Metadata {
        sequence: Some(sequence),
        ..Metadata::starting("somebody")
    })
}

fn notify_with(parameters: Value) -> Event {
    let command = NotifyCustomer {
        order_id: "ord_1".into(),
        customer_id: "cus_1".into(),
        template: "orderConfirmed".into(),
        parameters: parameters.as_object().unwrap().clone(),
    };
    an_event("OrderSaga", "ord_1", command)
}

fn notify() -> Event {
    notify_with(json!({"orderId": "ord_1"}))
}

fn notified(event: &Event) -> CustomerNotified {
    event.decode::<CustomerNotified>().unwrap().into_payload()
}

#[tokio::test]
async fn a_customer_is_notified_over_each_wanted_channel() {
    let house = House::furnished(Carrier::default(), &["email", "sms", "push"]).await;
    let command = notify();
    house.handles(&command).await;
    let reply = &house.events().await[0];
    assert_eq!(reply.metadata().causation_id, command.id().to_string());
    assert_eq!(notified(reply).channels, [Channel::Email, Channel::Sms]);
    let due = house.events_of("NotificationDeliveryDue").await;
    assert_eq!(
        house.kit.receive(&due.iter().collect::<Vec<_>>()).await,
        [Verdict::Done, Verdict::Done]
    );
    let mut delivered = house.carrier.delivered();
    delivered.sort();
    assert_eq!(
        delivered,
        [
            (Channel::Email, "ada@example.com".to_owned()),
            (Channel::Sms, "+4930123456".to_owned())
        ]
    );
    assert_eq!(house.events_of("NotificationDelivered").await.len(), 2);
    let message = &house.carrier.delivered.lock().unwrap()[0].message;
    assert_eq!(
        (message.subject.as_str(), message.text.as_str()),
        ("Order ord_1", "Your order ord_1 is confirmed.")
    );
}

#[tokio::test]
async fn a_command_costs_six_requests_with_a_new_key() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    let before = house.database.requests();
    house.handles(&notify()).await;
    // The first that is sealed for a customer reads and makes the key.
    assert_eq!(house.database.requests() - before, 6);
}

#[tokio::test]
async fn a_command_does_not_read_a_cached_key() {
    let house = House::with(Carrier::default());
    house.put_template("Your order {{ orderId }} is confirmed.").await;
    house.handles(&sealed_preferences(&house, None).await).await;
    let before = house.database.requests();
    house.handles(&notify()).await;
    assert_eq!(house.database.requests() - before, 4, "three reads and one transaction");
}

#[tokio::test]
async fn a_page_of_notifications_reads_the_key_of_its_customer_once() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    for order_id in ["ord_1", "ord_2", "ord_3"] {
        let command = NotifyCustomer {
            order_id: order_id.to_owned(),
            customer_id: "cus_1".to_owned(),
            template: "orderConfirmed".to_owned(),
            parameters: [("orderId".to_owned(), json!(order_id))].into_iter().collect(),
        };
        house.handles(&an_event("OrderSaga", order_id, command)).await;
    }
    // A process that has read no key yet.
    let tables = house.database.clone();
    let sealer = Sealer::new(tables, Table::new("subject-keys"), Environment::system());
    let fresh = Notifications::new(
        house.database.clone(),
        Table::new("notifications"),
        house.carrier.clone(),
        Arc::new(sealer.with_cache(KEYS_KEPT_FOR)),
        Environment::system(),
    );
    let before = house.database.requests();
    let request = Request::get("/notifications?customerId=cus_1")
        .body(Body::empty())
        .unwrap();
    let response = fresh.api().oneshot(request).await.unwrap();
    let page: Value = serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap();
    assert_eq!(page["notifications"].as_array().unwrap().len(), 3);
    assert_eq!(
        house.database.requests() - before,
        3,
        "the index, the rows, and the key"
    );
}

#[tokio::test]
async fn a_repeated_command_is_answered_and_delivers_nothing_twice() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    let commands = [notify(), notify(), notify()];
    for command in &commands {
        house.handles(command).await;
    }
    let told = house.events_of("CustomerNotified").await;
    let unchanged = house.events_of("NotificationUnchanged").await;
    let replies: Vec<&Event> = told.iter().chain(&unchanged).collect();
    let causes: Vec<&str> = replies
        .iter()
        .map(|reply| reply.metadata().causation_id.as_str())
        .collect();
    assert_eq!(causes, commands.each_ref().map(|command| command.id().to_string()));
    let due = house.events_of("NotificationDeliveryDue").await;
    assert_eq!(due.len(), 1);
    house.handles(&due[0]).await;
    house.kit.receive(&[&due[0]]).await;
    house.handles(&notify()).await;
    assert_eq!(house.carrier.delivered().len(), 1);
    assert_eq!(told.len(), 1, "what was decided is told once");
    assert_eq!(notified(&told[0]).channels, [Channel::Email]);
}

#[tokio::test]
async fn a_customer_without_channels_is_not_notified() {
    let house = House::with(Carrier::default());
    house.handles(&notify()).await;
    assert_eq!(notified(&house.events().await[0]).channels, []);
    assert_eq!(house.events().await.len(), 1);
}

#[tokio::test]
async fn late_preferences_do_not_replace_newer_ones() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    house.handles(&preferences(3, &["sms"])).await;
    house.kit.receive(&[&preferences(2, &["email"])]).await;
    house.handles(&notify()).await;
    assert_eq!(notified(&house.events().await[0]).channels, [Channel::Sms]);
}

#[tokio::test]
async fn an_unavailable_carrier_is_retried() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await;
    house.carrier.will(Trouble::Closed);
    let verdicts = house.kit.receive(&[&due[0]]).await;
    assert!(
        matches!(
            verdicts[..],
            [Verdict::Retry {
                reason: RetryReason::Unavailable,
                ..
            }]
        ),
        "{verdicts:?}"
    );
    house.handles(&due[0]).await;
    assert_eq!(house.carrier.delivered().len(), 1);
}

#[tokio::test]
async fn a_delivery_of_unknown_outcome_is_traced_not_repeated() {
    let carrier = Carrier {
        traces: true,
        ..Carrier::default()
    };
    let house = House::furnished(carrier, &["email"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await;
    house.carrier.will(Trouble::Silent);
    let verdicts = house.kit.receive(&[&due[0]]).await;
    let unknown = RetryReason::CallOutcomeUnknown;
    assert!(
        matches!(&verdicts[..], [Verdict::Retry { reason, .. }] if *reason == unknown),
        "{verdicts:?}"
    );
    house.handles(&due[0]).await;
    assert_eq!(house.carrier.delivered().len(), 1);
    assert_eq!(house.events_of("NotificationDelivered").await.len(), 1);
}

#[tokio::test]
async fn an_untraceable_delivery_is_parked_not_repeated() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await;
    house.carrier.will(Trouble::Silent);
    house.kit.receive(&[&due[0]]).await;
    let verdicts = house.kit.receive(&[&due[0]]).await;
    let [Verdict::Park { reason, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(*reason, ParkReason::CallOutcomeUnknown);
    assert_eq!(house.carrier.delivered().len(), 1);
}

#[tokio::test]
async fn a_refused_address_is_parked_without_delaying_other_channels() {
    let house = House::furnished(Carrier::default(), &["email", "sms"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await;
    house.carrier.will(Trouble::Refuses);
    let verdicts = house.kit.receive(&[&due[0]]).await;
    let [Verdict::Park { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("no such address"), "{error}");
    house.handles(&due[1]).await;
    assert_eq!(house.carrier.delivered(), [(Channel::Sms, "+4930123456".to_owned())]);
}

#[tokio::test]
async fn a_missing_template_or_parameter_parks_with_a_remedy() {
    let house = House::with(Carrier::default());
    house.handles(&preferences(1, &["email"])).await;
    let verdicts = house.kit.receive(&[&notify()]).await;
    let [Verdict::Park { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("PUT /notifications/templates/orderConfirmed"), "{error}");
    house.put_template("{{ orderId }}").await;
    let verdicts = house.kit.receive(&[&notify_with(json!({}))]).await;
    let [Verdict::Park { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("orderId"), "{error}");
    house.handles(&notify()).await;
}

#[tokio::test]
async fn an_unchanged_template_gets_no_new_version() {
    let house = House::with(Carrier::default());
    for (text, version) in [("one {{ orderId }}", 1), ("one {{ orderId }}", 1), ("two", 2)] {
        let (status, shown) = house.put_template(text).await;
        assert_eq!(
            (status, &shown["version"]),
            (StatusCode::OK, &json!(version)),
            "{shown}"
        );
    }
    let path = "/notifications/templates/orderConfirmed";
    assert_eq!(house.ask("GET", path, None).await.1["text"], "two");
    let (_, first) = house.ask("GET", &format!("{path}?version=1"), None).await;
    assert_eq!(first["text"], "one {{ orderId }}");
    for (method, path, body, status, code) in [
        ("GET", "/notifications/templates/none", None, 404, "unknownTemplate"),
        (
            "GET",
            "/notifications/templates/orderConfirmed?version=3",
            None,
            404,
            "unknownTemplate",
        ),
        (
            "PUT",
            "/notifications/templates/x",
            Some(json!({"subject": "s", "text": "{{ a"})),
            400,
            "invalidTemplate",
        ),
        (
            "PUT",
            "/notifications/templates/x",
            Some(json!({"text": "t"})),
            422,
            "invalidBody",
        ),
        ("GET", "/notifications/templates/a%20b", None, 400, "invalidTemplate"),
        ("GET", "/notifications?customerId=", None, 400, "invalidCustomerId"),
    ] {
        let answer = house.ask(method, path, body).await;
        assert_eq!(
            (answer.0.as_u16(), &answer.1["error"]),
            (status, &json!(code)),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_api_shows_notifications_and_delivery_states() {
    let house = House::furnished(Carrier::default(), &["email", "sms"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await;
    house.handles(&due[0]).await;
    let (status, page) = house.ask("GET", "/notifications?customerId=cus_1", None).await;
    assert_eq!(status, StatusCode::OK);
    let shown = &page["notifications"][0];
    assert_eq!(
        (&shown["notificationId"], &shown["text"]),
        (&json!("ord_1-orderConfirmed"), &json!("Your order ord_1 is confirmed."))
    );
    assert_eq!(shown["deliveries"][0]["status"], "handedOver");
    assert_eq!(shown["deliveries"][1]["status"], "due");
    assert_eq!(
        (&shown["title"], &shown["read"]),
        (&json!("Order ord_1"), &json!(false))
    );
    assert_eq!(shown["createdAt"], shown["decidedAt"]);
    let (_, nobody) = house.ask("GET", "/notifications?customerId=cus_2", None).await;
    assert_eq!(nobody, json!({"notifications": []}));
}

#[tokio::test]
async fn customers_mark_only_their_own_notifications_as_read() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    house.handles(&notify()).await;
    let path = "/notifications/ord_1-orderConfirmed/read";
    let mark = |customer: &str, read: bool| Some(json!({"customerId": customer, "read": read}));
    for read in [true, true, false] {
        let (status, shown) = house.ask("PUT", path, mark("cus_1", read)).await;
        assert_eq!((status, &shown["read"]), (StatusCode::OK, &json!(read)));
        let (_, page) = house.ask("GET", "/notifications?customerId=cus_1", None).await;
        assert_eq!(page["notifications"], json!([shown]));
    }
    house.ask("PUT", path, mark("cus_1", true)).await;
    let due = house.events_of("NotificationDeliveryDue").await.remove(0);
    house.handles(&due).await;
    let (_, page) = house.ask("GET", "/notifications?customerId=cus_1", None).await;
    assert_eq!(
        page["notifications"][0]["read"],
        json!(true),
        "a delivery leaves the mark"
    );
    for (path, body, status, code) in [
        (path, mark("cus_2", true), 404, "unknownNotification"),
        (
            "/notifications/none/read",
            mark("cus_1", true),
            404,
            "unknownNotification",
        ),
        (
            "/notifications/preferences/read",
            mark("cus_1", true),
            404,
            "unknownNotification",
        ),
        (path, mark("", true), 400, "invalidCustomerId"),
        (path, Some(json!({"customerId": "cus_1"})), 422, "invalidBody"),
        (
            path,
            Some(json!({"customerId": "cus_1", "read": "yes"})),
            422,
            "invalidBody",
        ),
    ] {
        let (answered, error) = house.ask("PUT", path, body).await;
        assert_eq!((answered.as_u16(), &error["error"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn the_newest_notification_is_first_and_pages_have_the_size_that_is_asked_for() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    for (order, hour) in [("ord_1", 2), ("ord_2", 3), ("ord_3", 1)] {
        let command = NotifyCustomer {
            order_id: order.into(),
            customer_id: "cus_1".into(),
            template: "orderConfirmed".into(),
            parameters: json!({"orderId": order}).as_object().unwrap().clone(),
        };
        let event = an_event("OrderSaga", "saga", command);
        let mut json: Value = serde_json::from_str(&event.to_json()).unwrap();
        let now = Environment::system().clock().now();
        let earlier = Timestamp::from_unix_ms(now.unix_ms() - 3_600_000 * (4 - hour));
        json["timestamp"] = json!(earlier.to_string());
        house.handles(&Event::from_json(&json.to_string()).unwrap()).await;
    }
    let path = "/notifications?customerId=cus_1";
    let orders = |page: &Value| {
        let shown = page["notifications"].as_array().unwrap().iter();
        shown
            .map(|shown| shown["orderId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (_, page) = house.ask("GET", &format!("{path}&limit=2"), None).await;
    assert_eq!(orders(&page), ["ord_2", "ord_1"]);
    let next = page["next"].as_str().unwrap();
    let (_, page) = house.ask("GET", &format!("{path}&limit=2&after={next}"), None).await;
    assert_eq!((orders(&page), page.get("next")), (vec!["ord_3".to_owned()], None));
    for (query, code) in [
        ("limit=0", "invalidLimit"),
        ("limit=101", "invalidLimit"),
        ("after=none", "invalidAfter"),
    ] {
        let (status, error) = house.ask("GET", &format!("{path}&{query}"), None).await;
        assert_eq!((status.as_u16(), &error["error"]), (400, &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn all_of_a_customers_notifications_are_shown_page_by_page() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    for number in 0..120 {
        let command = NotifyCustomer {
            order_id: format!("ord_{number}"),
            customer_id: "cus_1".into(),
            template: "orderConfirmed".into(),
            parameters: json!({"orderId": number}).as_object().unwrap().clone(),
        };
        house.handles(&an_event("OrderSaga", "saga", command)).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/notifications?customerId=cus_1".to_owned());
    loop {
        let (_, page) = house.ask("GET", &path, None).await;
        let ids = page["notifications"].as_array().unwrap().iter();
        seen.extend(ids.map(|shown| shown["notificationId"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/notifications?customerId=cus_1&after={next}"),
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

#[tokio::test]
async fn texts_that_fit_into_no_key_are_refused_by_name() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    let long = "x".repeat(2_100);
    for (query, field) in [
        (format!("customerId=cus_1&after={long}"), "after"),
        (format!("customerId={long}"), "aggregateId"),
    ] {
        let (status, answer) = house.ask("GET", &format!("/notifications?{query}"), None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(field), "{answer}");
    }
    let parameters: Vec<String> = (0..51).map(|number| format!("p{number}")).collect();
    let draft = json!({"subject": "a", "text": "b", "parameters": parameters});
    let (status, answer) = house.ask("PUT", "/notifications/templates/many", Some(draft)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        answer["message"].as_str().unwrap().starts_with("parameters"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_delivery_with_an_oversized_id_is_parked() {
    let house = House::furnished(Carrier::default(), &["email"]).await;
    house.handles(&notify()).await;
    let due = house.events_of("NotificationDeliveryDue").await.remove(0);
    let mut json: Value = serde_json::from_str(&due.to_json()).unwrap();
    json["payload"]["customerId"] = json!("x".repeat(2_100));
    let long = Event::from_json(&json.to_string()).unwrap();
    let verdict = house.kit.receive(&[&long]).await.remove(0);
    assert!(
        matches!(&verdict, Verdict::Park { reason, .. } if *reason != ParkReason::CallOutcomeUnknown),
        "{verdict:?}"
    );
}
