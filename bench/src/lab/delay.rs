//! Latency that is exact to some tens of microseconds: tokio's own timer counts in whole milliseconds, which would turn
//! 4 ms into 5.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

struct Waiter {
    until: Instant,
    wake: oneshot::Sender<()>,
}

/// Makes callers wait the same time each, any number of them side by side.
#[derive(Debug)]
pub(crate) struct Delay {
    latency: Duration,
    waiters: Sender<Waiter>,
}

impl Delay {
    pub(crate) fn of(latency: Duration) -> Self {
        let (waiters, queue) = channel();
        thread::spawn(move || wake_each_in_turn(&queue));
        Self { latency, waiters }
    }

    pub(crate) async fn wait(&self) {
        if self.latency.is_zero() {
            return;
        }
        let (wake, woken) = oneshot::channel();
        let waiter = Waiter {
            until: Instant::now() + self.latency,
            wake,
        };
        if self.waiters.send(waiter).is_ok() {
            woken.await.ok();
        }
    }
}

/// All wait equally long, so who came first is due first; the thread ends with the last sender.
fn wake_each_in_turn(queue: &Receiver<Waiter>) {
    while let Ok(waiter) = queue.recv() {
        thread::sleep(waiter.until.saturating_duration_since(Instant::now()));
        waiter.wake.send(()).ok();
    }
}
