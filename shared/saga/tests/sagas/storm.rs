//! Many runs of the order saga by two processes, in which everything that can go wrong does, in an order that a seed decides.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use onecommit_engine::{DatabaseError, TransientKind, Verdict};
use onecommit_environment::{Random, SeededRandom};
use onecommit_event::{Event, EventId};
use onecommit_saga::{SagaCancelRequested, SagaRetryRequested, Status};

use crate::order::{OutOfStock, PaymentDeclined, order_saga};
use crate::shop::Shop;

const ORDER: &str = "ord_1";
const RUNS: u64 = 150;

/// The world around the two processes.
struct Storm {
    processes: [Shop; 2],
    dice: SeededRandom,
    carried_out: HashSet<EventId>,
    /// Events that are on their way, each perhaps more than once.
    on_the_way: Vec<Event>,
    /// Whether the inventory is reserved, and the payment taken.
    is_there: BTreeMap<&'static str, bool>,
}

impl Storm {
    async fn of(seed: u64) -> Self {
        let one = Shop::open();
        let other = one.another([order_saga().unwrap()]);
        one.begin(ORDER).await;
        Self {
            processes: [one, other],
            dice: SeededRandom::new(seed),
            carried_out: HashSet::new(),
            on_the_way: Vec::new(),
            is_there: BTreeMap::new(),
        }
    }

    fn roll(&self, most: usize) -> usize {
        usize::try_from(self.dice.up_to(most as u64)).unwrap()
    }

    fn some_process(&self) -> &Shop {
        &self.processes[self.roll(1)]
    }

    /// A participant carries out a command that it has not seen, and answers.
    async fn carry_out(&mut self, may_refuse: bool) -> bool {
        let shop = &self.processes[0];
        let mut commands = shop.commands(ORDER).await;
        commands.retain(|command| !self.carried_out.contains(&command.id()));
        if commands.is_empty() {
            return false;
        }
        let command = commands.swap_remove(self.roll(commands.len() - 1));
        self.carried_out.insert(command.id());
        let order_id = ORDER.to_owned();
        let refuses = may_refuse && self.roll(3) == 0;
        let answer = match command.event_type() {
            "ReserveInventory" if refuses => Some(shop.caused_by(&command, OutOfStock { order_id })),
            "TakePayment" if refuses => Some(shop.caused_by(&command, PaymentDeclined { order_id })),
            _ => {
                let (what, there) = match command.event_type() {
                    "ReserveInventory" => ("inventory", true),
                    "ReleaseInventory" => ("inventory", false),
                    "TakePayment" => ("payment", true),
                    "VoidPayment" => ("payment", false),
                    _ => ("the rest", true),
                };
                self.is_there.insert(what, there);
                shop.yes_to(&command, ORDER)
            }
        };
        self.on_the_way.extend(answer);
        true
    }

    /// Up to three events arrive in one batch at one process; what is not done comes back, and so do some that are.
    async fn deliver(&mut self, may_repeat: bool) -> bool {
        if self.on_the_way.is_empty() {
            return false;
        }
        let count = 1 + self.roll(2).min(self.on_the_way.len() - 1);
        let picked: Vec<Event> = (0..count)
            .map(|_| self.on_the_way.swap_remove(self.roll(self.on_the_way.len() - 1)))
            .collect();
        let batch: Vec<&Event> = picked.iter().collect();
        let verdicts = self.some_process().kit.receive(&batch).await;
        for (event, verdict) in picked.into_iter().zip(verdicts) {
            assert!(!matches!(verdict, Verdict::Park { .. }), "{verdict:?}");
            let comes_back = matches!(verdict, Verdict::Retry { .. });
            if comes_back || (may_repeat && self.roll(4) == 0) {
                self.on_the_way.push(event);
            }
        }
        true
    }

    async fn time_passes(&mut self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let due = self.processes[0].due().await;
        self.on_the_way.extend(due);
    }

    fn trouble(&self) {
        let error = || DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
        let database = &self.processes[0].database;
        match self.roll(1) {
            0 => database.lose_next_answer(error()),
            _ => (0..self.roll(20)).for_each(|_| database.fail_next(error())),
        }
    }

    /// Whatever is left of the faults is used up, so that the test itself can look.
    async fn trouble_ends(&self) {
        use onecommit_engine::{Key, Table, TableReader};
        let (table, key) = (Table::new("none"), Key::new("pk", "none"));
        while self.processes[0].database.get(&table, &key).await.is_err() {}
    }

    fn a_person_asks<P: onecommit_event::Payload>(&mut self, request: P) {
        let saga = crate::shop::saga(ORDER);
        let event = Event::new(saga, request, &self.processes[0].environment);
        self.on_the_way.push(event.into_raw().unwrap());
    }

    async fn rages(&mut self) {
        for _ in 0..60 {
            match self.roll(9) {
                0..=2 => drop(self.carry_out(true).await),
                3..=6 => {
                    if self.roll(3) == 0 {
                        self.trouble();
                    }
                    self.deliver(true).await;
                    self.trouble_ends().await;
                }
                7..=8 => self.time_passes(10 + self.dice.up_to(60)).await,
                _ if self.roll(9) == 0 => {
                    let reason = "the customer called".to_owned();
                    self.a_person_asks(SagaCancelRequested { reason });
                }
                _ => {}
            }
        }
    }

    /// From now on everybody answers, and everything arrives.
    async fn calms_down(&mut self) {
        for _ in 0..100 {
            while self.carry_out(false).await || self.deliver(false).await {}
            match self.processes[0].status(ORDER) {
                status if status.is_end() => return,
                Status::NeedsAttention => {
                    let (step, reason) = (None, "all is well again".to_owned());
                    self.a_person_asks(SagaRetryRequested { step, reason });
                }
                _ => self.time_passes(3600).await,
            }
        }
        panic!("it never ended: {:#?}", self.processes[0].row(ORDER));
    }

    async fn check(&self, seed: u64) -> Status {
        let shop = &self.processes[0];
        let row = shop.row(ORDER);
        let there = |what: &str| self.is_there.get(what).copied().unwrap_or(false);
        let (inventory, payment) = (there("inventory"), there("payment"));
        match row.status() {
            Status::Completed => assert!(inventory && payment, "seed {seed}: {row:#?}"),
            Status::Compensated => assert!(!inventory && !payment, "seed {seed}: {row:#?}"),
            other => panic!("seed {seed}: {other}"),
        }
        let commands = shop.commands(ORDER).await;
        let ids: HashSet<EventId> = commands.iter().map(Event::id).collect();
        assert_eq!(ids.len(), commands.len(), "seed {seed}: a command left twice");
        let types = shop.command_types(ORDER).await;
        let is_undo = |of_type: &String| of_type == "ReleaseInventory" || of_type == "VoidPayment";
        if let Some(turned) = types.iter().position(is_undo) {
            assert!(
                types[turned..].iter().all(is_undo),
                "seed {seed}: forward again: {types:?}"
            );
        }
        row.status()
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_an_order_is_wholly_done_or_wholly_undone_in_the_end() {
    let mut ends = BTreeMap::new();
    for seed in 0..RUNS {
        let mut storm = Storm::of(seed).await;
        storm.rages().await;
        storm.calms_down().await;
        *ends.entry(storm.check(seed).await).or_insert(0) += 1;
    }
    assert_eq!(ends.len(), 2, "both ends are reached: {ends:?}");
}
