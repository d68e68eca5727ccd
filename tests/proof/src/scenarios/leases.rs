//! A call to a system that honours no idempotency key, in the hands of two processes: it is made once.

use std::time::Duration;

use onecommit_engine::{
    CallError, CallOutcome, Commit, Consumer, Failure, Guarded, Key, ParkReason, Settings, Table, TableReader,
};
use onecommit_event::Event;
use onecommit_simulation::{Fault, Host, Outside, OutsideError, Process, QueueSettings, Scenario, World};

use super::payloads::payloads;
use super::{expect, number};

payloads! {
    TransferOrdered { transfer: String }
}

/// A bank that has to be asked what became of a transfer, and one that cannot be asked.
pub(crate) struct Leases {
    pub(crate) bank_can_tell: bool,
    /// Whether the call takes longer than a lease lasts.
    pub(crate) is_slow: bool,
}

struct Transfer {
    bank: Outside,
    bank_can_tell: bool,
    takes: Duration,
    process: Process,
}

const QUEUE: &str = "transfers";

impl Guarded<TransferOrdered> for Transfer {
    type Answer = u64;

    async fn call(&self, event: &Event<TransferOrdered>) -> Result<u64, CallError> {
        if !self.takes.is_zero() {
            // Before anything happens at the bank: for so long a probe finds nothing.
            self.process.environment().clock().sleep(self.takes).await;
        }
        let number = self.bank.call(event.payload().transfer.as_str()).await;
        number.map_err(|error| match error {
            OutsideError::NotDone => CallError::NotDone(error.into()),
            OutsideError::Unknown => CallError::Unknown(error.into()),
        })
    }

    async fn probe(&self, event: &Event<TransferOrdered>) -> Result<CallOutcome<u64>, Failure> {
        if !self.bank_can_tell {
            return Ok(CallOutcome::Unknown);
        }
        let found = self.bank.probe(event.payload().transfer.as_str()).await;
        Ok(match found.map_err(Failure::transient)? {
            Some(number) => CallOutcome::Happened(number),
            None => CallOutcome::DidNotHappen,
        })
    }

    async fn commit(&self, event: &Event<TransferOrdered>, number: &u64) -> Result<Commit, Failure> {
        let transfers = Table::new("transfers");
        let key = Key::new("pk", event.payload().transfer.as_str());
        // A read that may fail after the call was made.
        let read = self.process.tables().get(&transfers, &key).await;
        read.map_err(Failure::transient)?;
        let row = transfers.update(key);
        Ok(Commit::of(row.add("booked", 1).set("number", *number)))
    }
}

impl Scenario for Leases {
    fn name(&self) -> &str {
        match (self.bank_can_tell, self.is_slow) {
            (true, false) => "a lease that is taken over",
            (true, true) => "a lease on a slow call",
            (false, _) => "a lease whose call nobody can tell of",
        }
    }

    /// A lease is held against the clock of whoever wants to take it over. Two clocks that differ by more than it lasts can
    /// make two calls of one; the commit is still made once.
    ///
    /// A renewal that does not get through three times in a row lets the lease lapse under a call that still runs, which
    /// cannot be called back: so renewals do get through here.
    fn faults(&self) -> &'static [Fault] {
        if self.is_slow {
            &[
                Fault::CrashBefore,
                Fault::CrashAfter,
                Fault::CrashInFlight,
                Fault::AnswerLost,
                Fault::Doubled,
            ]
        } else {
            Fault::WITH_RIGHT_CLOCKS
        }
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        // A worker: there is no invocation whose end would stop one that is slow.
        let host = Host {
            instances: 2,
            batch: 1,
            invocation: None,
        };
        let bank_can_tell = self.bank_can_tell;
        let takes = Duration::from_secs(if self.is_slow { 45 } else { 0 });
        world.consumer("transfers", QUEUE, host, move |process| {
            let handler = Transfer {
                bank: process.outside("bank"),
                bank_can_tell,
                takes,
                process: process.clone(),
            };
            let settings = Settings::default().handler_timeout(Duration::from_secs(600));
            Consumer::named("transfers").guarded(handler).with(settings)
        });
        let ordered = TransferOrdered {
            transfer: "t-1".to_owned(),
        };
        let event = world.event("Transfer", "t-1", ordered);
        world.send(QUEUE, &event);
        world.send(QUEUE, &event);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let calls = world.done_outside("bank").len();
        let booked = number(world.row("transfers", &["t-1"]).as_ref(), "booked");
        let reasons: Vec<ParkReason> = world.parked(QUEUE).iter().map(|(_, reason, _)| *reason).collect();
        expect("redriven", &0, &world.redriven(QUEUE).len())?;
        if self.bank_can_tell {
            expect("calls", &1, &calls)?;
            expect("times booked", &1, &booked)?;
            return expect("parked", &Vec::new(), &reasons);
        }
        // Made once and booked; or perhaps made, not booked, and left to a person.
        let is_known = calls == 1 && booked == 1;
        let is_left = calls <= 1 && booked == 0 && reasons.contains(&ParkReason::CallOutcomeUnknown);
        if is_known || is_left {
            return Ok(());
        }
        Err(format!("{calls} calls, booked {booked} times, parked as {reasons:?}"))
    }
}
