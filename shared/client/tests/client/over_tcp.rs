use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use onecommit_client::{
    Address, Client, ClientSettings, Discover, HttpTransport, Lookup, RetryPolicy, RootCertificates, Trouble,
};
use onecommit_environment::Environment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn client(address: &str) -> Client {
    let settings = ClientSettings {
        cache: None,
        retries: RetryPolicy::new(3, 1, 1),
        ..ClientSettings::default()
    };
    let address = Address::fixed("prices", address).unwrap();
    Client::new(
        HttpTransport::new(RootCertificates::default()),
        address,
        settings,
        Environment::system(),
    )
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_service_is_called_over_tcp() {
    let (listener, address) = listener().await;
    let router = Router::new().route(
        "/v1/x",
        get(|| async { ([("content-type", "application/json")], "[1]") }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client(&format!("http://{address}/v1/"));
    for _ in 0..3 {
        assert_eq!(client.get::<Vec<u8>>("/x").await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_was_never_sent_anything() {
    let (listener, address) = listener().await;
    drop(listener);
    let error = client(&format!("http://{address}"))
        .post::<u32>("/x", &1)
        .await
        .unwrap_err();
    assert!(matches!(error.trouble(), Trouble::NeverSent(_)) && error.trouble().was_never_sent());
    assert_eq!(error.attempts(), 3, "even a post may be sent again");
}

/// As after a freeze: the service has closed the connection that the pool still holds.
#[tokio::test]
async fn a_connection_that_the_service_closed_fails_no_read() {
    let (listener, address) = listener().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            // One answer for each connection, which says nothing of its end.
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n1";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let client = client(&format!("http://{address}"));
    for _ in 0..20 {
        assert_eq!(client.get::<u32>("/x").await.unwrap(), 1);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 20);
}

#[tokio::test]
async fn what_is_not_http_is_an_error_of_its_own() {
    for answer in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1",
        "",
    ] {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let error = client(&format!("http://{address}"))
            .post::<u32>("/x", &1)
            .await
            .unwrap_err();
        assert!(matches!(error.trouble(), Trouble::Broken(_)), "{answer:?}: {error:?}");
        assert_eq!(error.attempts(), 1);
    }
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_was_never_sent_anything() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = client(&format!("https://{address}"))
        .get::<u32>("/x")
        .await
        .unwrap_err();
    assert!(matches!(error.trouble(), Trouble::NeverSent(_)), "{error:?}");
}

#[test]
fn a_bundle_of_certificates_is_read_whole_or_refused() {
    let amazon = concat!(env!("CARGO_MANIFEST_DIR"), "/../aws/src/session/amazon_roots.pem");
    assert!(format!("{:?}", RootCertificates::read(amazon).unwrap()).starts_with("Bundle("));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for path in ["/nowhere/roots.pem", manifest] {
        assert!(RootCertificates::read(path).is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let environment = Environment::system();
    let found = Lookup::new(8080, environment).find("localhost", None).await.unwrap();
    assert!(
        found
            .instances
            .iter()
            .any(|instance| instance.authority() == "127.0.0.1:8080"),
        "{found:?}"
    );
    assert_eq!(found.holds_for, None::<Duration>);
}

#[test]
fn a_service_of_kubernetes_is_in_the_default_namespace_unless_one_is_named() {
    assert_eq!(Lookup::kubernetes("prices", None), "prices.default.svc.cluster.local.");
    assert_eq!(
        Lookup::kubernetes("prices", Some("shop")),
        "prices.shop.svc.cluster.local."
    );
}
