use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt;
use serde_json::Value;
use storefront_bff::{BffSettings, Door};
use tower::ServiceExt;

use crate::kit::{Behaviour, Fixture, asked};

fn streaming() -> Fixture {
    let settings = BffSettings {
        door: Door::Streaming,
        watched_max: 2,
        ..BffSettings::default()
    };
    Fixture::with(settings)
}

/// One watched order of ada's, as it arrives.
struct Stream(Body);

impl Stream {
    async fn open(fixture: &Fixture, seen: Option<&str>) -> Self {
        let bearer = fixture.bearer("ada");
        let mut headers = vec![("authorization", &*bearer)];
        headers.extend(seen.map(|seen| ("last-event-id", seen)));
        let request = asked(Method::GET, "/orders/ord_1/updates", &headers, "");
        let response = fixture.bff.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body())
    }

    /// The next piece; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        let frame = self.0.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    async fn event(&mut self) -> (String, Value) {
        loop {
            let text = self.next().await.unwrap();
            if let Some(event) = read(&text) {
                return event;
            }
        }
    }
}

/// The id and the data of an event.
fn read(text: &str) -> Option<(String, Value)> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let data = serde_json::from_str(field("data:")?).unwrap();
    Some((field("id:")?.to_owned(), data))
}

#[tokio::test(start_paused = true)]
async fn each_change_arrives_once_until_the_last() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "requested", 0);
    let mut stream = Stream::open(&fixture, None).await;
    assert_eq!(stream.next().await.unwrap().trim(), "retry: 1000");
    for (status, version) in [("requested", 0), ("created", 1), ("confirmed", 2), ("delivered", 4)] {
        fixture.order("ord_1", "ada", status, version);
        let (id, order) = stream.event().await;
        assert_eq!((id, &order["status"]), (format!("{version}-{status}"), &status.into()));
        let is_committed = ["confirmed", "delivered"].contains(&status);
        assert_eq!(order["saga"], if is_committed { "committed" } else { "running" });
    }
    assert_eq!(stream.next().await, None, "nothing happens to it any more");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_is_a_change_though_no_version_tells() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "refused", 0);
    let (id, _) = Stream::open(&fixture, Some("0-requested")).await.event().await;
    assert_eq!(id, "0-refused");
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_is_not_sent_again() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "created", 1);
    let mut stream = Stream::open(&fixture, Some("1-created")).await;
    stream.next().await.unwrap();
    let heartbeat = stream.next().await.unwrap();
    assert_eq!(heartbeat.trim(), ":", "it only says that it is there");
    fixture.order("ord_1", "ada", "confirmed", 2);
    assert_eq!(stream.event().await.0, "2-confirmed");
}

#[tokio::test(start_paused = true)]
async fn an_id_from_the_future_or_from_nowhere_gets_the_order_as_it_is() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "created", 1);
    for seen in [
        "99-delivered",
        "18446744073709551616-created",
        "-1-created",
        "nonsense",
        "",
        "1",
        "1-",
    ] {
        let (id, _) = Stream::open(&fixture, Some(seen)).await.event().await;
        assert_eq!(id, "1-created", "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_seen_the_end_is_told_not_to_ask_again() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "cancelled", 3);
    let headers = [
        ("authorization", &*fixture.bearer("ada")),
        ("last-event-id", "3-cancelled"),
    ];
    let answer = fixture
        .send(asked(Method::GET, "/orders/ord_1/updates", &headers, ""))
        .await;
    assert_eq!((answer.status, &*answer.text), (204, ""));
}

#[tokio::test(start_paused = true)]
async fn a_buffered_door_answers_with_the_first_change() {
    let fixture = Fixture::new();
    fixture.order("ord_1", "ada", "created", 1);
    let answer = fixture.get("/orders/ord_1/updates", "ada").await;
    assert_eq!(answer.text.matches("data:").count(), 1, "{answer:?}");

    let bearer = fixture.bearer("ada");
    let headers = [("authorization", &*bearer), ("last-event-id", "1-created")];
    let begun = fixture.environment.clock().instant();
    let answer = fixture
        .send(asked(Method::GET, "/orders/ord_1/updates", &headers, ""))
        .await;
    let took = fixture.environment.clock().instant() - begun;
    assert_eq!((answer.status, answer.text.trim()), (200, "retry: 1000"));
    assert!((20..21).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_for_a_while_ends_no_stream() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "created", 1);
    let mut stream = Stream::open(&fixture, Some("1-created")).await;
    fixture.set("orders", Behaviour::Down);
    stream.next().await.unwrap();
    assert_eq!(stream.next().await.unwrap().trim(), ":");
    fixture.shop.lock().unwrap().behaviours.clear();
    fixture.order("ord_1", "ada", "confirmed", 2);
    assert_eq!(stream.event().await.0, "2-confirmed");
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_gives_the_place_back() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "created", 1);
    let (first, _second) = (Stream::open(&fixture, None).await, Stream::open(&fixture, None).await);
    let full = fixture.get("/orders/ord_1/updates", "ada").await;
    assert_eq!((full.status, &*full.code()), (503, "unavailable"));
    drop(first);
    Stream::open(&fixture, None).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_session_and_with_the_process() {
    let fixture = streaming();
    fixture.order("ord_1", "ada", "created", 1);
    let begun = fixture.environment.clock().instant();
    let mut stream = Stream::open(&fixture, None).await;
    while stream.next().await.is_some() {}
    let took = fixture.environment.clock().instant() - begun;
    assert!(
        (Duration::from_secs(299)..Duration::from_secs(302)).contains(&took),
        "{took:?}"
    );

    let mut stream = Stream::open(&fixture, None).await;
    stream.event().await;
    fixture.bff.ending().cancel();
    assert_eq!(stream.next().await, None);
}
