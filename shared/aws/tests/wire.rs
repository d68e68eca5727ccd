//! The adapter before a DynamoDB that answers badly, late or not at all.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::net::SocketAddr;

use onecommit_aws::DynamoDb;
use onecommit_aws::Session;
use onecommit_config::Reader;
use onecommit_engine::{DatabaseError, Item, Key, Table, TableReader, TransientKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that reads a request, answers it so, and keeps the connection open.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            read_request(&mut connection).await;
            connection.write_all(answer.as_bytes()).await.unwrap();
            open.push(connection);
        }
    });
    address
}

/// Up to the end of its head: its body fits into the same packet.
async fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut some = [0; 4096];
        let count = connection.read(&mut some).await.unwrap();
        request.extend_from_slice(&some[..count]);
    }
}

async fn read_from(variables: &[(&str, &str); 6]) -> Result<Option<Item>, DatabaseError> {
    let mut reader = Reader::new(variables);
    let session = Session::read(&mut reader);
    reader.finish().unwrap();
    DynamoDb::new(&session)
        .get(&Table::new("table"), &Key::new("pk", "key"))
        .await
}

async fn read_a_row(of_all: &str, of_dynamodb: &str) -> Result<Option<Item>, DatabaseError> {
    let variables = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REQUEST_TIMEOUT_MS", "200"),
        ("AWS_ENDPOINT_URL", of_all),
        ("AWS_ENDPOINT_URL_DYNAMODB", of_dynamodb),
    ];
    read_from(&variables).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn is_unavailable(answer: &Result<Option<Item>, DatabaseError>) -> bool {
    matches!(answer, Err(DatabaseError::Transient(TransientKind::Unavailable, _)))
}

const NO_ROW: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_request_without_an_answer_ends_as_transient() {
    let answer = read_a_row(&url(server("").await), "").await;
    assert!(is_unavailable(&answer), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_stops_halfway_ends_as_transient() {
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 200\r\n\r\n{\"Item\":";
    let answer = read_a_row(&url(server(half).await), "").await;
    assert!(is_unavailable(&answer), "{answer:?}");
}

#[tokio::test]
async fn nobody_at_the_address_is_transient() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let answer = read_a_row(&url(gone), "").await;
    assert!(is_unavailable(&answer), "{answer:?}");
}

#[tokio::test]
async fn dynamodbs_own_endpoint_comes_first() {
    let silent = url(server("").await);
    let answering = url(server(NO_ROW).await);
    let answer = read_a_row(&silent, &answering).await;
    assert!(matches!(answer, Ok(None)), "{answer:?}");
    let answer = read_a_row(&answering, &silent).await;
    assert!(is_unavailable(&answer), "{answer:?}");
}
