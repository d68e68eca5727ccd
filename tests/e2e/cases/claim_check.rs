//! Payloads too large for a message travel through S3.

use onecommit_aws::S3Payloads;
use onecommit_event::Event;
use onecommit_event::claim_check::{PayloadStore, StoreError};
use sha2::{Digest, Sha256};

use crate::api::post_events;
use crate::aws::Aws;
use crate::events::{order_created_with, unique};
use crate::rows::number;

/// Too large for SNS and for EventBridge, in bytes.
const LARGE: usize = 300 * 1024;

fn store(aws: &Aws) -> S3Payloads {
    let bucket = aws.deployment.output("ClaimCheckBucketName").to_owned();
    S3Payloads::new(aws.session.clone(), bucket)
}

pub(super) async fn an_event_too_large_for_a_message_is_published_and_handled_like_any_other() {
    let aws = Aws::connect();
    let order = order_created_with(&"x".repeat(LARGE));
    let answer = post_events(aws.deployment, &order.to_json());
    assert_eq!(answer.status, 200, "{answer:?}");
    aws.handled(&order).await;
    let row = aws.order(order.aggregate().id()).await.unwrap();
    assert_eq!(number(&row, "totalMinorUnits"), Some(2_500));
    let bytes = order.payload().get().len() as u64;
    let key = key_of(&order);
    assert_eq!(store(&aws).get(&key, bytes).await.unwrap(), order.payload().get());
    // Whoever else may write there cannot change it.
    store(&aws)
        .put(&key, &order.payload().get().replace('x', "y"))
        .await
        .unwrap();
    assert_eq!(store(&aws).get(&key, bytes).await.unwrap(), order.payload().get());
}

/// Where the payload of an event waits.
fn key_of(event: &Event) -> String {
    let digest = Sha256::digest(event.payload().get());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("claims/{}/{hash}", event.id())
}

pub(super) async fn a_payload_that_nobody_left_is_gone_and_not_just_out_of_reach() {
    let aws = Aws::connect();
    let gone = store(&aws).get(&unique("claims/nobody-left"), 2).await;
    assert!(matches!(gone, Err(StoreError::Gone(_))), "{gone:?}");
}
