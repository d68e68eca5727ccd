use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use onecommit_client::RootCertificates;
use onecommit_grpc::{GrpcTrouble, Http2Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::body::Body;
use tower::ServiceExt;

use crate::kit::Served;

const GET: &str = "/catalog.CatalogService/GetProduct";

/// A message in its frame.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0][..], &length.to_be_bytes(), message].concat().into()
}

fn request(served: &Served, path: &str, body: Body) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("http://{}{path}", served.address))
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// What a request is answered with: its HTTP status, and the code.
async fn sent(request: Request<Body>) -> (StatusCode, Option<i32>, HeaderMap) {
    let answer = Http2Transport::new(RootCertificates::default())
        .oneshot(request)
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned();
    let headers = match trailers {
        Some(trailers) if !parts.headers.contains_key("grpc-status") => trailers,
        _ => parts.headers.clone(),
    };
    let code = headers
        .get("grpc-status")
        .map(|code| code.to_str().unwrap().parse().unwrap());
    (parts.status, code, headers)
}

async fn code_of(served: &Served, path: &str, message: Bytes) -> Code {
    let (status, code, _) = sent(request(served, path, Body::new(Full::new(message)))).await;
    assert_eq!(status, StatusCode::OK);
    Code::from(code.unwrap())
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let client = served.client();
    for sku in ["", "a b", "../x", &"x".repeat(65), "\0", "tee\u{2028}kanne"] {
        let error = client.product(sku).await.unwrap_err();
        assert_eq!(
            (error.code(), error.attempts()),
            (Some(Code::InvalidArgument), 1),
            "{sku:?}"
        );
        let GrpcTrouble::Refused(refusal) = error.trouble() else {
            panic!("{error}");
        };
        assert_eq!(refusal.reason(), Some("invalidSku"));
        assert!(refusal.message().starts_with("sku: "), "{}", refusal.message());
    }
    let many = vec!["A"; 101];
    for skus in [&[][..], &many, &["A", ""], &["A", "b c"]] {
        assert_eq!(
            client.products(skus).await.unwrap_err().code(),
            Some(Code::InvalidArgument)
        );
    }
    for category in ["", "a\nb", &"x".repeat(65)] {
        let error = client.list(category).await.unwrap_err();
        assert_eq!(error.code(), Some(Code::InvalidArgument), "{category:?}");
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    // Field 1 is the SKU; field 99 is a text, field 1000 a number.
    let known = b"\x0a\x06TEAPOT";
    let unknown = [&known[..], b"\x9a\x06\x03abc", b"\xc0\x3e\x2a"].concat();
    assert_eq!(code_of(&served, GET, framed(&unknown)).await, Code::Ok);
}

#[tokio::test]
async fn an_undecodable_message_is_refused_and_the_connection_survives() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    for message in [
        // Cut off within a field, a field of another type, bytes that are no UTF-8, a group without an end.
        &b"\x0a\x20TEA"[..],
        b"\x08\x01",
        b"\x0a\x02\xff\xfe",
        b"\x0b",
    ] {
        assert_eq!(
            code_of(&served, GET, framed(message)).await,
            Code::Internal,
            "{message:?}"
        );
    }
    // Compressed, as nobody announced; a frame of a kind that there is not; a frame that says more than comes; nothing at all.
    assert_eq!(
        code_of(&served, GET, Bytes::from_static(b"\x01\0\0\0\x01x")).await,
        Code::Internal
    );
    assert_eq!(
        code_of(&served, GET, Bytes::from_static(b"\x07\0\0\0\x01x")).await,
        Code::Internal
    );
    assert_ne!(
        code_of(&served, GET, Bytes::from_static(b"\0\0\0\0\x09x")).await,
        Code::Ok
    );
    assert_ne!(code_of(&served, GET, Bytes::new()).await, Code::Ok);
    assert!(served.client().product("TEAPOT").await.is_ok());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_its_length() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let large = framed(&vec![b'x'; 4 << 20]);
    assert_eq!(code_of(&served, GET, large).await, Code::ResourceExhausted);
    // It says 4 GB, and nobody makes room for them.
    let announced = Bytes::from_static(b"\0\xff\xff\xff\xffx");
    assert_eq!(code_of(&served, GET, announced).await, Code::ResourceExhausted);
    let sku = "x".repeat(4 << 20);
    let error = served.client().product(&sku).await.unwrap_err();
    assert_eq!(
        (error.code(), error.attempts()),
        (Some(Code::ResourceExhausted), 1),
        "{error}"
    );
    assert!(served.client().product("TEAPOT").await.is_ok());
}

#[tokio::test]
async fn unknown_methods_and_packages_are_unimplemented() {
    let served = Served::new().await;
    for path in [
        "/catalog.CatalogService/DeleteProduct",
        "/Catalog.CatalogService/GetProduct",
        "/catalogue.CatalogService/GetProduct",
        "/",
        "/GetProduct",
    ] {
        assert_eq!(code_of(&served, path, framed(b"")).await, Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn other_protocols_get_an_answer_that_names_grpc() {
    let served = Served::new().await;
    let mut json = request(&served, GET, Body::new(Full::new(Bytes::from_static(b"{}"))));
    json.headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    assert_eq!(sent(json).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut web = request(&served, GET, Body::empty());
    web.headers_mut()
        .insert("content-type", "application/grpc-web".parse().unwrap());
    assert_eq!(sent(web).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut get = request(&served, GET, Body::empty());
    *get.method_mut() = Method::GET;
    let (status, _, headers) = sent(get).await;
    assert_eq!(
        (status, &headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
}

async fn over_http1(served: &Served, head: &str) -> String {
    let mut connection = TcpStream::connect(served.address).await.unwrap();
    let request = format!("{head}\r\nhost: catalog\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_http_1_caller_is_asked_for_http_2() {
    let served = Served::new().await;
    let answer = over_http1(
        &served,
        &format!("POST {GET} HTTP/1.1\r\ncontent-type: application/grpc"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 505 "), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("gRPC needs HTTP/2"),
        "{answer}"
    );
    // Platforms that ask over HTTP/1.1 whether it lives get their answer.
    for path in ["/health/live", "/health/ready", "/health"] {
        let answer = over_http1(&served, &format!("GET {path} HTTP/1.1")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn a_reset_stream_does_not_affect_other_calls() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    // The body fails half way, so the stream is reset.
    let parts = [
        Ok(http_body::Frame::data(Bytes::from_static(b"\0\0\0\0\x09x"))),
        Err(std::io::Error::other("the caller fails")),
    ];
    let body = StreamBody::new(futures_util::stream::iter(parts));
    let transport = Http2Transport::new(RootCertificates::default());
    assert!(
        transport
            .clone()
            .oneshot(request(&served, GET, Body::new(body)))
            .await
            .is_err()
    );
    // The same connection answers.
    let known = request(&served, GET, Body::new(Full::new(framed(b"\x0a\x06TEAPOT"))));
    assert_eq!(transport.oneshot(known).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_panicking_handler_fails_only_its_call() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let transport = Http2Transport::new(RootCertificates::default());
    let fatal = request(&served, GET, Body::new(Full::new(framed(b"\x0a\x06PANICS"))));
    let answer = transport.clone().oneshot(fatal).await.unwrap();
    assert_eq!(answer.headers()["grpc-status"], "13");
    let known = request(&served, GET, Body::new(Full::new(framed(b"\x0a\x06TEAPOT"))));
    assert_eq!(transport.oneshot(known).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_carries_the_id_of_its_request() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let asked = |id: &'static str| {
        let mut known = request(&served, GET, Body::new(Full::new(framed(b"\x0a\x06TEAPOT"))));
        known.headers_mut().insert("x-correlation-id", id.parse().unwrap());
        Http2Transport::new(RootCertificates::default()).oneshot(known)
    };
    assert_eq!(asked("visit-7").await.unwrap().headers()["x-correlation-id"], "visit-7");
    // One that no log line takes is replaced.
    let new = asked("visit 7").await.unwrap().headers()["x-correlation-id"].clone();
    assert!(new != "visit 7" && new.len() == 36, "{new:?}");
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let served = Served::stocked(&[("TEAPOT", 1)]).await;
    let mut large = request(&served, GET, Body::new(Full::new(framed(b"\x0a\x06TEAPOT"))));
    large
        .headers_mut()
        .insert("x-large", "x".repeat(64 << 10).parse().unwrap());
    let answer = Http2Transport::new(RootCertificates::default()).oneshot(large).await;
    let is_refused = answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431);
    assert!(is_refused);
    assert!(served.client().product("TEAPOT").await.is_ok());
}
