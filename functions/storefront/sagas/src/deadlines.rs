use std::time::Duration;

use onecommit_engine::Backoff;

/// How patient the sagas are.
///
/// On AWS a command and its answer take about a second: the relay, a topic, a queue, a function, and the same way back.
/// The defaults leave room for a cold start and for a message that comes back once. On one machine, where everything
/// answers in milliseconds, shorter ones show sooner what happens without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// How long the answer to a command is waited for. Default: 30 s.
    pub answer: Duration,
    /// How long the answer to a capture is waited for: a payment provider may take its time. Default: 60 s.
    pub payment: Duration,
    /// The pause after a refusal, where a command is sent again until it succeeds. Default: 10 s, doubling up to 1 h.
    pub pause: Backoff,
    /// How often a command is sent before its step is given up. Default: 3.
    pub attempts: u32,
    /// How often a command that undoes a step is sent before a person has to look. Default: 10.
    pub undo_attempts: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            payment: Duration::from_secs(60),
            pause: Backoff {
                first: Duration::from_secs(10),
                longest: Duration::from_secs(3600),
            },
            attempts: 3,
            undo_attempts: 10,
        }
    }
}

impl Deadlines {
    /// The same for every answer, payments included, and a pause as long.
    #[must_use]
    pub fn all(answer: Duration) -> Self {
        let pause = Backoff {
            first: answer,
            longest: answer,
        };
        Self {
            answer,
            payment: answer,
            pause,
            ..Self::default()
        }
    }

    /// The longest an order waits until its payment is decided, when every answer but the last of each step is lost and
    /// deadlines are looked for once per `sweep`. Inventory has to be held for longer: an outage comes on top.
    #[must_use]
    pub fn until_paid(&self, sweep: Duration) -> Duration {
        // Each attempt, and as long again once the echo is back.
        let step = |answer: Duration| (answer + sweep) * (self.attempts + 1);
        step(self.answer) * 2 + step(self.payment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_paid_or_given_up_well_before_its_inventory_is_held_no_longer() {
        let hold = Duration::from_secs(2 * 86_400);
        let sweep = Duration::from_secs(60);
        let outage = Duration::from_secs(86_400);
        assert!(Deadlines::default().until_paid(sweep) + outage < hold);
    }
}
