use serde_json::json;

use super::*;
use crate::exceptions::Exceptions;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";
const OBJECT: &str = "arn:aws:s3:::shop/claims/*";

/// Answers every request with the status, and with the path it was asked for.
async fn local_aws(status: StatusCode) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(move |request: Request<Incoming>| async move {
                let asked = request.uri().to_string();
                let mut answer = Response::new(Full::new(Bytes::from(asked)));
                *answer.status_mut() = status;
                Ok::<_, AnyError>(answer)
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    url
}

fn stack() -> crate::stack::Stack {
    let role = "arn:aws:iam::123456789012:role/relay";
    let allow = |action: &str, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let stack = json!({
        "name": "shop", "account": "123456789012", "resources": {}, "policies": [], "tables": {}, "calls": [],
        "roles": [{"logicalId": "RelayRole", "arn": role, "managed": [], "policies": {"relay": {"Version": "2012-10-17",
            "Statement": [allow("sqs:SendMessage", QUEUE), allow("s3:GetObject", OBJECT)]}}}],
        "functions": [{"logicalId": "RelayFunction", "role": role}],
    });
    serde_json::from_value(stack).unwrap()
}

async fn before(status: StatusCode) -> (Proxy, Arc<Authority>) {
    let authority = Arc::new(Authority::new());
    let proxy = Proxy::start(Arc::clone(&authority)).unwrap();
    proxy.pass_on_to(&local_aws(status).await);
    (proxy, authority)
}

async fn ask(url: String, service: &str, target: &str, body: &str) -> (StatusCode, String) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let method = if target.is_empty() { "GET" } else { "POST" };
    let credential = format!("AWS4-HMAC-SHA256 Credential=A/20261128/eu-west-1/{service}/aws4_request, Signature=0");
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", credential);
    let request = request
        .header("x-amz-target", target)
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn queue(name: &str) -> String {
    json!({ "QueueUrl": format!("http://localhost/123456789012/{name}") }).to_string()
}

#[tokio::test]
async fn what_is_granted_is_passed_on_and_what_is_not_is_denied() {
    let (proxy, authority) = before(StatusCode::OK).await;
    authority.learn(stack()).unwrap();
    let by_relay = format!("{}/?x=1", proxy.url_of("shop", "RelayFunction"));
    let (status, body) = ask(by_relay.clone(), "sqs", "AmazonSQS.SendMessage", &queue("orders")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "/?x=1"));
    let (status, body) = ask(by_relay, "sqs", "AmazonSQS.SendMessage", &queue("others")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("AccessDeniedException") && body.contains("RelayRole"),
        "{body}"
    );
    let denied = authority.report(&Exceptions::default()).denied();
    assert!(denied.len() == 1 && denied[0].contains("others"), "{denied:?}");
}

#[tokio::test]
async fn a_request_that_is_not_understood_or_comes_from_nobody_is_refused() {
    let (proxy, authority) = before(StatusCode::OK).await;
    authority.learn(stack()).unwrap();
    for url in [
        format!("{}/", proxy.url()),
        format!("{}/", proxy.url_of("shop", "OtherFunction")),
    ] {
        let (status, _) = ask(url, "sqs", "AmazonSQS.SendMessage", &queue("orders")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    let by_relay = format!("{}/", proxy.url_of("shop", "RelayFunction"));
    let (status, _) = ask(by_relay, "kinesis", "Kinesis_20131202.PutRecord", "{}").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(authority.report(&Exceptions::default()).denied().len(), 3);
}

#[tokio::test]
async fn a_request_waits_until_its_stack_is_known() {
    let (proxy, authority) = before(StatusCode::OK).await;
    let by_relay = format!("{}/", proxy.url_of("shop", "RelayFunction"));
    let body = queue("orders");
    let asking = ask(by_relay, "sqs", "AmazonSQS.SendMessage", &body);
    let learning = async { authority.learn(stack()).unwrap() };
    let ((status, _), ()) = tokio::join!(asking, learning);
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn only_who_may_list_a_bucket_learns_that_an_object_is_not_there() {
    let (proxy, authority) = before(StatusCode::NOT_FOUND).await;
    let mut shop = stack();
    authority.learn(shop.clone()).unwrap();
    let object = || format!("{}shop/claims/1", proxy.url_of("shop", "RelayFunction"));
    let (status, body) = ask(object(), "s3", "", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        body.contains("<Code>AccessDenied</Code>") && body.contains("s3:ListBucket"),
        "{body}"
    );
    let list = json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shop"});
    let statements = shop.roles[0].policies.get_mut("relay").unwrap()["Statement"]
        .as_array_mut()
        .unwrap();
    statements.push(list);
    authority.learn(shop).unwrap();
    let (status, body) = ask(object(), "s3", "", "").await;
    assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "/shop/claims/1"));
}

#[tokio::test]
async fn a_form_is_denied_in_xml() {
    let (proxy, authority) = before(StatusCode::OK).await;
    authority.learn(stack()).unwrap();
    let by_relay = format!("{}/", proxy.url_of("shop", "RelayFunction"));
    let (status, body) = ask(
        by_relay,
        "sns",
        "none",
        "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3Aa",
    )
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("<Code>AuthorizationError</Code>"), "{body}");
}
