use std::sync::atomic::Ordering;
use std::time::Duration;

use onecommit_grpc::server::{Ended, ServerSettings};

use crate::kit::{How, Served, until};

#[tokio::test]
async fn started_calls_are_answered_before_shutdown() {
    let mut served = Served::stocked(&[("TEAPOT", 5)]).await;
    let client = served.client();
    assert!(client.product("TEAPOT").await.is_ok());
    served.rows.hold();
    let asking = {
        let client = client.clone();
        tokio::spawn(async move { client.product("TEAPOT").await })
    };
    until(|| served.rows.begun.load(Ordering::SeqCst) == 2).await;
    served.ask_to_end();
    // Nobody new is let in any more, and those who are in are not sent away.
    let address = served.address;
    until(|| std::net::TcpStream::connect(address).is_err()).await;
    served.rows.release();
    assert_eq!(asking.await.unwrap().unwrap().stock, 5);
    assert_eq!(served.ended().await, Ended::Drained);
    let error = client.product("TEAPOT").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn calls_that_outlast_the_drain_are_cut_off() {
    let how = How {
        settings: ServerSettings {
            drain_within: Duration::from_millis(20),
            ..How::default().settings
        },
        ..How::default()
    };
    let mut served = Served::with(how).await;
    served.rows.hold();
    let client = served.client();
    let asking = tokio::spawn(async move { client.product("TEAPOT").await });
    until(|| served.rows.begun.load(Ordering::SeqCst) == 1).await;
    served.ask_to_end();
    assert_eq!(served.ended().await, Ended::CutOff);
    asking.abort();
}
