use axum::http::Method;

use crate::kit::{Behaviour, Fixture, asked};

#[tokio::test(start_paused = true)]
async fn a_front_door_without_one_of_its_contexts_is_degraded_and_ready() {
    let fixture = Fixture::new();
    fixture.set("orders", Behaviour::Down);
    fixture.set("users", Behaviour::Hangs);
    let answer = fixture.send(asked(Method::GET, "/health", &[], "")).await;
    let health = answer.json();
    assert_eq!(
        (answer.status, &health["status"]),
        (200, &"degraded".into()),
        "{health}"
    );
    let of = |service: &str, member: &str| health["checks"][service][member].clone();
    assert_eq!(of("catalog", "status"), "healthy");
    assert_eq!(of("orders", "error"), "answeredWithError");
    assert_eq!(of("users", "error"), "timeout");
    let ready = fixture.send(asked(Method::GET, "/health/ready", &[], "")).await;
    assert_eq!(ready.status, 200);
}

#[tokio::test(start_paused = true)]
async fn whether_it_lives_is_asked_of_nobody() {
    let fixture = Fixture::new();
    let live = fixture.send(asked(Method::HEAD, "/health/live", &[], "")).await;
    assert_eq!((live.status, live.header("cache-control")), (200, "no-store"));
    assert_eq!(fixture.requests_to(""), 0);
}
