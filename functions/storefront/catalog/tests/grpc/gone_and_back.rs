use onecommit_client::{Circuit, CircuitSettings, RetryPolicy, Stopped};
use onecommit_environment::Environment;
use onecommit_grpc::{GrpcClient, GrpcSettings, GrpcTrouble};
use tokio::net::TcpListener;

use crate::kit::{How, Served, TestClient};

/// Without waits that a test would have to sit out.
fn impatient() -> GrpcSettings {
    GrpcSettings {
        retries: RetryPolicy::new(3, 1, 2),
        ..GrpcSettings::default()
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_named_and_found_again() {
    let served = Served::stocked(&[("TEAPOT", 2)]).await;
    let address = served.address;
    let client = served.client_with(impatient());
    assert_eq!(client.product("TEAPOT").await.unwrap().stock, 2);
    served.ends().await;

    let error = client.product("TEAPOT").await.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().starts_with("catalog-grpc: "),
        "{error}"
    );
    assert_eq!(error.attempts(), 3);

    let again = How {
        listener: Some(TcpListener::bind(address).await.unwrap()),
        ..How::default()
    };
    let again = Served::with(again).await;
    again.stock(&[("TEAPOT", 9)]).await;
    assert_eq!(client.product("TEAPOT").await.unwrap().stock, 9);
}

#[tokio::test]
async fn a_call_goes_to_the_next_server_when_one_drains() {
    let first = Served::stocked(&[("TEAPOT", 1)]).await;
    let client = first.client();
    assert_eq!(client.product("TEAPOT").await.unwrap().stock, 1);
    let address = first.address;
    // Its connection is idle, so it is told to go elsewhere (GOAWAY) and closed.
    first.ends().await;
    let next = How {
        listener: Some(TcpListener::bind(address).await.unwrap()),
        ..How::default()
    };
    let next = Served::with(next).await;
    next.stock(&[("TEAPOT", 4)]).await;
    assert_eq!(client.product("TEAPOT").await.unwrap().stock, 4);
}

#[tokio::test]
async fn an_open_circuit_sends_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let settings = CircuitSettings::default();
    let circuit = Circuit::local("catalog-grpc", settings, Environment::system()).unwrap();
    let client = TestClient::at(
        &format!("http://{closed}"),
        GrpcSettings {
            circuit: Some(circuit.clone()),
            retries: RetryPolicy::new(1, 1, 1),
            ..GrpcSettings::default()
        },
    );
    for _ in 0..100 {
        let _ = client.product("TEAPOT").await;
    }
    assert_eq!(circuit.state(), "open");
    let error = client.product("TEAPOT").await.unwrap_err();
    assert!(
        matches!(error.trouble(), GrpcTrouble::NotTried(Stopped::CircuitOpen(..))),
        "{error}"
    );
}

#[tokio::test]
async fn an_html_page_is_not_taken_for_an_answer() {
    let page = axum::Router::new().fallback(|| async { axum::response::Html("<p>not what is expected") });
    let (origin, environment) = ("http://proxy.test", Environment::system());
    let client = TestClient(GrpcClient::new("catalog-grpc", origin, page, impatient(), environment).unwrap());
    let error = client.product("TEAPOT").await.unwrap_err();
    assert!(
        matches!(error.trouble(), GrpcTrouble::NotGrpc(status) if status.as_u16() == 200),
        "{error}"
    );
    // The same request would get the same answer.
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn a_server_of_another_protocol_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    // It speaks HTTP/1.1 only, as a proxy might.
    let page = axum::Router::new().fallback(|| async { axum::response::Html("<p>not what is expected") });
    let serving = tokio::spawn(axum::serve(listener, page).into_future());
    let error = TestClient::at(&origin, impatient())
        .product("TEAPOT")
        .await
        .unwrap_err();
    assert!(error.code().is_none() && error.is_transient(), "{error}");
    serving.abort();
}
