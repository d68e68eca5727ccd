use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::TryStreamExt;
use onecommit_client::{CallContext, Deadline, RootCertificates};
use onecommit_environment::Environment;
use onecommit_grpc::server::ServerSettings;
use onecommit_grpc::{GrpcSettings, GrpcTrouble, Http2Transport};
use storefront_catalog_proto::GetProductRequest;
use storefront_catalog_proto::catalog_service_client::CatalogServiceClient;
use tonic::{Code, Request, Status};

use crate::kit::{How, Served, TestClient, until};

/// As a client sends it that knows nothing of ours.
async fn asked_within(served: &Served, timeout: Option<&str>) -> Status {
    let origin = format!("http://{}", served.address).parse().unwrap();
    let mut client = CatalogServiceClient::with_origin(Http2Transport::new(RootCertificates::default()), origin);
    let mut request = Request::new(GetProductRequest {
        sku: "TEAPOT".to_owned(),
    });
    if let Some(timeout) = timeout {
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    client.get_product(request).await.unwrap_err()
}

#[tokio::test]
async fn the_callers_deadline_ends_the_read() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    served.rows.hold();
    let status = asked_within(&served, Some("20m")).await;
    assert_eq!(
        (status.code(), status.message()),
        (Code::DeadlineExceeded, "there was no answer within 20 ms")
    );
    until(|| served.rows.dropped.load(Ordering::SeqCst) == 1).await;
    for nothing_left in ["0S", "0n"] {
        assert_eq!(
            asked_within(&served, Some(nothing_left)).await.code(),
            Code::DeadlineExceeded
        );
    }
    for odd in ["", "20", "m", "-1S", "1.5S", "999999999m"] {
        assert_eq!(
            asked_within(&served, Some(odd)).await.code(),
            Code::InvalidArgument,
            "{odd:?}"
        );
    }
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_the_servers() {
    let how = How {
        settings: ServerSettings {
            call_within: Duration::from_millis(20),
            ..How::default().settings
        },
        ..How::default()
    };
    let served = Served::with(how).await;
    served.rows.hold();
    assert_eq!(asked_within(&served, None).await.code(), Code::DeadlineExceeded);
    assert_eq!(asked_within(&served, Some("1H")).await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_ends_when_its_time_is_over() {
    let served = Served::stocked(&[("A", 0)]).await;
    served.rows.hold();
    let patient = GrpcSettings {
        answer_within: Duration::from_millis(50),
        ..GrpcSettings::default()
    };
    let mut listed = served.client_with(patient).list("tea").await.unwrap();
    let error = listed.try_next().await.unwrap_err();
    // Either side may be the first to say so.
    let is_late = matches!(error.trouble(), GrpcTrouble::TimedOut(_)) || error.code() == Some(Code::DeadlineExceeded);
    assert!(is_late, "{error}");
    assert!(listed.try_next().await.unwrap().is_none());
    until(|| served.rows.dropped.load(Ordering::SeqCst) > 0).await;
}

#[tokio::test]
async fn the_client_waits_no_longer_than_its_caller() {
    let served = Served::new().await;
    served.rows.hold();
    let client = served.client();
    let deadline = Deadline::after(Duration::from_millis(30), Environment::system().clock());
    let context = CallContext::correlated("request-1").until(deadline);
    let client = TestClient(client.0.on_behalf_of(&context));
    let error = client.product("TEAPOT").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    until(|| served.rows.dropped.load(Ordering::SeqCst) > 0).await;
}

#[tokio::test]
async fn calls_over_the_limit_are_refused_at_once() {
    let how = How {
        settings: ServerSettings {
            calls_max: 1,
            ..How::default().settings
        },
        ..How::default()
    };
    let served = Served::with(how).await;
    served.rows.hold();
    let first = served.client();
    let first = tokio::spawn(async move { first.product("TEAPOT").await });
    until(|| served.rows.begun.load(Ordering::SeqCst) == 1).await;
    let status = asked_within(&served, None).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = tonic_types::StatusExt::get_details_retry_info(&status).unwrap();
    assert!(details.retry_delay.is_some());
    served.rows.release();
    assert_eq!(first.await.unwrap().unwrap_err().code(), Some(Code::NotFound));
}
