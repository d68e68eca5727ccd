use std::sync::atomic::Ordering;

use futures_util::TryStreamExt;
use onecommit_client::RootCertificates;
use onecommit_grpc::{GrpcTrouble, Http2Transport, REASON_DOMAIN};
use storefront_catalog_proto::Money;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::kit::{Served, until};

#[tokio::test]
async fn a_product_is_answered_with_its_stock() {
    let served = Served::stocked(&[("TEAPOT", 7), ("CUP", 0)]).await;
    let client = served.client();
    let teapot = client.product("TEAPOT").await.unwrap();
    assert_eq!(
        (&*teapot.sku, &*teapot.name, &*teapot.category),
        ("TEAPOT", "The TEAPOT", "tea")
    );
    assert_eq!(teapot.description, "It pours.");
    assert_eq!(teapot.image_url.as_deref(), Some("https://images.example/pot.png"));
    let price = Money {
        minor_units: 1_250,
        currency: "EUR".to_owned(),
    };
    assert_eq!(teapot.price, Some(price));
    assert_eq!((teapot.available, teapot.stock), (true, 7));
    let cup = client.product("CUP").await.unwrap();
    assert_eq!((cup.available, cup.stock), (false, 0));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let error = served.client().product("KETTLE").await.unwrap_err();
    assert_eq!(
        (error.code(), error.attempts(), error.service()),
        (Some(Code::NotFound), 1, "catalog-grpc")
    );
    let GrpcTrouble::Refused(refusal) = error.trouble() else {
        panic!("{error}");
    };
    assert_eq!(refusal.reason(), Some("unknownProduct"));
    assert!(
        !error.is_transient() && !error.to_string().contains("KETTLE"),
        "{error}"
    );
    assert_eq!(REASON_DOMAIN, "onecommit");
}

#[tokio::test]
async fn several_products_are_answered_in_their_order() {
    let served = Served::stocked(&[("A", 1), ("B", 2), ("C", 3)]).await;
    let answer = served.client().products(&["C", "NONE", "A", "C"]).await.unwrap();
    let skus: Vec<_> = answer
        .products
        .iter()
        .map(|product| (&*product.sku, product.stock))
        .collect();
    assert_eq!(
        (skus, answer.unknown_skus),
        (vec![("C", 3), ("A", 1)], vec!["NONE".to_owned()])
    );
}

#[tokio::test]
async fn a_category_is_streamed_over_all_its_pages() {
    let served = Served::new().await;
    let names: Vec<String> = (0..121).map(|number| format!("P-{number:03}")).collect();
    let products: Vec<(&str, i64)> = names.iter().map(|name| (&**name, 0)).collect();
    served.stock(&products).await;
    let listed: Vec<_> = served.client().list("tea").await.unwrap().try_collect().await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|product| product.sku).collect();
    assert_eq!(listed, names);
    let none: Vec<_> = served
        .client()
        .list("coffee")
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn health_follows_the_checks() {
    let served = Served::new().await;
    let origin = format!("http://{}", served.address).parse().unwrap();
    let mut health = HealthClient::with_origin(Http2Transport::new(RootCertificates::default()), origin);
    let watched = Request::new(HealthCheckRequest {
        service: "catalog.CatalogService".to_owned(),
    });
    let mut watch = health.watch(watched).await.unwrap().into_inner();
    let serving = |status: ServingStatus| status as i32;
    assert_eq!(
        watch.message().await.unwrap().unwrap().status,
        serving(ServingStatus::Serving)
    );
    served.is_ready.store(0, Ordering::SeqCst);
    assert_eq!(
        watch.message().await.unwrap().unwrap().status,
        serving(ServingStatus::NotServing)
    );
    let whole = HealthCheckRequest::default();
    assert_eq!(
        health.check(whole).await.unwrap().into_inner().status,
        serving(ServingStatus::NotServing)
    );
    served.is_ready.store(1, Ordering::SeqCst);
    assert_eq!(
        watch.message().await.unwrap().unwrap().status,
        serving(ServingStatus::Serving)
    );
    let other = HealthCheckRequest {
        service: "orders.OrderService".to_owned(),
    };
    assert_eq!(health.check(other).await.unwrap_err().code(), Code::NotFound);
    // Whoever watches is told of the end.
    served.ends().await;
    assert_eq!(
        watch.message().await.unwrap().unwrap().status,
        serving(ServingStatus::NotServing)
    );
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let served = Served::new().await;
    let origin = format!("http://{}", served.address).parse().unwrap();
    let mut reflection = ServerReflectionClient::with_origin(Http2Transport::new(RootCertificates::default()), origin);
    let asked = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asked = futures_util::stream::iter([asked]);
    let mut answers = reflection.server_reflection_info(asked).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    for name in [
        "catalog.CatalogService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[tokio::test]
async fn an_abandoned_stream_stops_reading() {
    let served = Served::new().await;
    let names: Vec<String> = (0..121).map(|number| format!("P-{number:03}")).collect();
    let products: Vec<(&str, i64)> = names.iter().map(|name| (&**name, 0)).collect();
    served.stock(&products).await;
    served.rows.hold();
    let client = served.client();
    let listing = tokio::spawn(async move {
        let mut listed = client.list("tea").await.unwrap();
        listed.try_next().await
    });
    until(|| served.rows.begun.load(Ordering::SeqCst) > 0).await;
    listing.abort();
    until(|| served.rows.dropped.load(Ordering::SeqCst) > 0).await;
}
