//! Calls at a steady rate, whatever becomes of them.

use std::time::{Duration, Instant};

use onecommit_client::Client;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{Product, Way};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Load {
    pub(crate) client: Way,
    pub(crate) url: String,
    per_second: u32,
    seconds: u32,
}

/// When a call began, and how and when it ended, from the start of the load on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    at_ms: u64,
    ok: bool,
    end_ms: u64,
}

impl Load {
    pub(crate) async fn run(&self, client: &Client, path: &str) -> Vec<Outcome> {
        let began = Instant::now();
        let ms = move || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut calls = JoinSet::new();
        for at in 0..self.per_second * self.seconds {
            let due = began + Duration::from_secs(1) * at / self.per_second;
            tokio::time::sleep_until(due.into()).await;
            let (client, path) = (client.clone(), path.to_owned());
            calls.spawn(async move {
                let at_ms = ms();
                let ok = client.get::<Product>(&path).await.is_ok();
                let end_ms = ms();
                Outcome { at_ms, ok, end_ms }
            });
        }
        calls.join_all().await
    }
}
