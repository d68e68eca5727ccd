use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::kit::{Behaviour, Fixture, asked};

/// Six orders and six notifications, so that some are not recent.
fn busy() -> Fixture {
    let fixture = Fixture::new();
    {
        let mut shop = fixture.shop.lock().unwrap();
        shop.users.insert(
            "ada".to_owned(),
            json!({"userId": "ada", "displayName": "Ada", "avatar": "https://images.example/ada.png", "version": 2,
                   "createdAt": "2025-01-02T03:04:05.000Z"}),
        );
        for number in 1..=6 {
            let created = |minute: u32| format!("2026-11-22T06:{number:02}:{minute:02}.000Z");
            shop.orders.insert(
                format!("ord_{number}"),
                json!({"orderId": format!("ord_{number}"), "customerId": "ada", "status": "confirmed", "itemCount": 1,
                       "total": {"minorUnits": 1, "currency": "EUR"}, "createdAt": created(10), "changedAt": created(20)}),
            );
            shop.notifications.insert(
                0,
                json!({"notificationId": format!("not_{number}"), "title": format!("Order {number} is confirmed"),
                       "read": number % 2 == 0, "createdAt": created(30), "orderId": "x", "deliveries": []}),
            );
        }
        shop.totals = json!({"orders": 317, "pending": 4, "spent": [
            {"minorUnits": 901, "currency": "EUR"}, {"minorUnits": 77, "currency": "JPY"}]});
        shop.recommended = ["CUP", "KETTLE", "GONE"].map(str::to_owned).to_vec();
    }
    fixture.product("CUP", 400, true);
    fixture.product("KETTLE", 3_000, false);
    fixture
}

#[tokio::test(start_paused = true)]
async fn the_dashboard_is_put_together_from_four_services() {
    let fixture = busy();
    let answer = fixture.get("/dashboard", "ada").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let dashboard = answer.json();
    assert_eq!(
        dashboard["user"],
        json!({"name": "Ada", "avatar": "https://images.example/ada.png", "memberSince": "2025-01-02T03:04:05.000Z"})
    );
    assert_eq!(
        dashboard["stats"],
        json!({"totalOrders": 317, "pendingOrders": 4, "totalSpent": [
            {"minorUnits": 901, "currency": "EUR"}, {"minorUnits": 77, "currency": "JPY"}]})
    );
    let activity = dashboard["recentActivity"].as_array().unwrap();
    let kinds = |kind: &str| activity.iter().filter(|entry| entry["type"] == kind).count();
    assert_eq!((kinds("order"), kinds("notification")), (5, 5));
    assert_eq!(
        activity[0],
        json!({"type": "notification", "id": "not_6", "title": "Order 6 is confirmed", "read": true,
               "date": "2026-11-22T06:06:30.000Z"})
    );
    assert_eq!(
        activity[1],
        json!({"type": "order", "id": "ord_6", "title": "Order ord_6", "status": "confirmed",
               "date": "2026-11-22T06:06:10.000Z"})
    );
    let dates: Vec<&str> = activity.iter().map(|entry| entry["date"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|one, other| one >= other), "{dates:?}");
    assert_eq!(
        dashboard["recommendations"],
        json!([
            {"id": "CUP", "name": "The CUP", "price": {"minorUnits": 400, "currency": "EUR"},
             "image": "https://images.example/CUP.png"},
            {"id": "KETTLE", "name": "The KETTLE", "price": {"minorUnits": 3000, "currency": "EUR"},
             "image": "https://images.example/KETTLE.png"}])
    );
    assert_eq!(dashboard["degraded"], json!([]));
    assert_eq!(fixture.requests_to("GET /catalog/products?sku="), 1, "one batch read");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_named_and_its_part_is_nothing() {
    let nonsense = |kind, body: &str| Behaviour::Answers(StatusCode::OK, kind, body.to_owned());
    let faults = [
        Behaviour::Down,
        Behaviour::Hangs,
        nonsense("text/html", "<h1>It works!</h1>"),
        nonsense("application/json", "{}"),
        nonsense("application/json", "[1, 2]"),
        nonsense("application/json", "{\"orders\": \"many\""),
        Behaviour::Answers(StatusCode::FOUND, "application/json", "{}".to_owned()),
        Behaviour::Answers(StatusCode::FORBIDDEN, "application/json", "{}".to_owned()),
    ];
    for fault in faults {
        for (service, part) in [
            ("users", "user"),
            ("orders", "stats"),
            ("recommendations", "recommendations"),
            ("catalog", "recommendations"),
            ("notifications", ""),
        ] {
            let fixture = busy();
            fixture.set(service, fault.clone());
            let answer = fixture.get("/dashboard", "ada").await;
            assert_eq!(answer.status, 200, "{service} {fault:?}");
            let dashboard = answer.json();
            assert_eq!(dashboard["degraded"], json!([service]), "{fault:?}");
            for name in ["user", "stats", "recentActivity", "recommendations"] {
                assert_eq!(dashboard[name].is_null(), name == part, "{service}: {name}, {fault:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recent_activity_of_one_of_two_services_is_still_shown() {
    let fixture = busy();
    fixture.set("orders", Behaviour::Down);
    let dashboard = fixture.get("/dashboard", "ada").await.json();
    assert_eq!(dashboard["recentActivity"].as_array().unwrap().len(), 5);
    fixture.set("notifications", Behaviour::Down);
    let dashboard = fixture.get("/dashboard", "ada").await.json();
    assert_eq!(dashboard["recentActivity"], Value::Null);
    assert_eq!(dashboard["degraded"], json!(["orders", "notifications"]));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_service_costs_its_deadline_and_no_more() {
    let fixture = busy();
    for service in ["users", "orders", "catalog"] {
        fixture.set(service, Behaviour::Hangs);
    }
    let begun = fixture.environment.clock().instant();
    let answer = fixture.get("/dashboard", "ada").await;
    let took = fixture.environment.clock().instant() - begun;
    assert_eq!(answer.json()["degraded"], json!(["users", "orders", "catalog"]));
    let limit = Duration::from_millis(800);
    assert!((limit..limit + Duration::from_millis(5)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_time_shortens_the_deadline() {
    let fixture = busy();
    fixture.set("orders", Behaviour::Hangs);
    let until = fixture
        .environment
        .clock()
        .now()
        .plus(Duration::from_millis(100))
        .to_string();
    let begun = fixture.environment.clock().instant();
    let headers = [
        ("authorization", &*fixture.bearer("ada")),
        ("x-request-deadline", &until),
    ];
    let answer = fixture.send(asked(Method::GET, "/dashboard", &headers, "")).await;
    assert_eq!(answer.json()["degraded"], json!(["orders"]));
    let took = fixture.environment.clock().instant() - begun;
    assert!(took < Duration::from_millis(105), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_at_all_is_503() {
    let fixture = busy();
    for service in ["users", "orders", "notifications", "recommendations"] {
        fixture.set(service, Behaviour::Down);
    }
    let answer = fixture.get("/dashboard", "ada").await;
    assert_eq!((answer.status, &*answer.code()), (503, "unavailable"));
}

#[tokio::test(start_paused = true)]
async fn somebody_new_has_zeros_and_nobody_else_data() {
    let fixture = busy();
    {
        let mut shop = fixture.shop.lock().unwrap();
        shop.totals = json!({"orders": 0, "pending": 0, "spent": []});
        shop.notifications.clear();
        shop.recommended.clear();
    }
    let dashboard = fixture
        .get("/dashboard?userId=ada&customerId=ada", "grace")
        .await
        .json();
    assert_eq!(
        dashboard,
        json!({"user": {"name": null, "avatar": null, "memberSince": null},
               "stats": {"totalOrders": 0, "pendingOrders": 0, "totalSpent": []},
               "recentActivity": [], "recommendations": [], "degraded": []})
    );
    let shop = fixture.shop.lock().unwrap();
    assert!(
        shop.requests.iter().all(|request| !request.contains("ada")),
        "{:?}",
        shop.requests
    );
}

#[tokio::test(start_paused = true)]
async fn a_correlation_id_goes_along_and_comes_back() {
    let fixture = busy();
    let bearer = fixture.bearer("ada");
    let headers = [("authorization", &*bearer), ("x-correlation-id", "visit-17")];
    let answer = fixture.send(asked(Method::GET, "/dashboard", &headers, "")).await;
    assert_eq!(answer.header("x-correlation-id"), "visit-17");
    let ids = std::mem::take(&mut fixture.shop.lock().unwrap().correlation_ids);
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["visit-17"]);
    // One of 10 KB is replaced, and so is one that is no plain text.
    for hostile in ["x".repeat(10 << 10), "a b".to_owned()] {
        let headers = [("authorization", &*bearer), ("x-correlation-id", &hostile)];
        let answer = fixture.send(asked(Method::GET, "/dashboard", &headers, "")).await;
        assert_eq!((answer.status, answer.header("x-correlation-id").len()), (200, 36));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_service_leaves_out_is_no_outage() {
    let fixture = busy();
    {
        let mut shop = fixture.shop.lock().unwrap();
        shop.users.insert(
            "ada".to_owned(),
            json!({"userId": "ada", "displayName": "Ada", "version": 2}),
        );
        shop.notifications[0].as_object_mut().unwrap().remove("title");
        let cup = shop.products.get_mut("CUP").unwrap().as_object_mut().unwrap();
        cup.remove("imageUrl");
        cup.remove("price");
    }
    let dashboard = fixture.get("/dashboard", "ada").await.json();
    assert_eq!(dashboard["degraded"], json!([]));
    assert_eq!(
        dashboard["user"],
        json!({"name": "Ada", "avatar": null, "memberSince": null})
    );
    assert_eq!(dashboard["recentActivity"][0]["title"], "Notification");
    assert_eq!(
        dashboard["recommendations"][0],
        json!({"id": "CUP", "name": "The CUP", "price": null, "image": null})
    );
}
