//! Everything at once: faults on the wire to every service, processes killed at random, copies, poison, and orders.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use onecommit_engine::EventLog;
use onecommit_environment::{Clock, Environment, SeededRandom, SystemClock};
use onecommit_event::{Event, EventId};
use onecommit_saga::Status;
use onecommit_testing::{Patience, await_until};

use super::paid_by_order;
use super::storefront::Storefront;
use crate::api::invoke;
use crate::aws::Aws;
use crate::chaos::killing::{Victims, sum_in};
use crate::chaos::report::{Events, Poison, Report};
use crate::chaos::traffic::{Publishing, Traffic};
use crate::chaos::wire::Wire;
use crate::dead_letters::DeadLetters;
use crate::deployment;
use crate::rows::number;

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// So much is looked at in one look; the rest has its turn later.
const EVENTS_PER_LOOK: usize = 300;
const ORDERS_PER_LOOK: usize = 30;
/// Of so many orders, some have to end well; of fewer, chance may take back all.
const ENOUGH_ORDERS: usize = 50;
const LOOKS_PER_SWEEP: usize = 4;
const LOOKS_PER_LINE: usize = 8;

/// What a run is asked for. `make chaos` asks for much more than this.
struct Settings {
    events: usize,
    orders: usize,
    seed: u64,
    /// How long each dependency is out.
    outage: Duration,
}

impl Settings {
    fn read() -> Self {
        let number = |name: &str, default: u64| {
            let set = std::env::var(name).ok().filter(|text| !text.is_empty());
            let parse = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"));
            set.map_or(default, parse)
        };
        Self {
            events: number("CHAOS_EVENTS", 300) as usize,
            orders: number("CHAOS_ORDERS", 10) as usize,
            seed: number("CHAOS_SEED", Environment::system().random().up_to(999_999)),
            outage: Duration::from_secs(number("CHAOS_OUTAGE_S", 3)),
        }
    }

    /// So often something is killed. What is left then can end, though never without faults.
    fn kills(&self) -> usize {
        10 + self.events / 50 + self.orders / 2
    }

    fn patience(&self) -> Duration {
        // What failed during an outage comes back after up to as long again.
        Duration::from_secs(900 + self.events as u64 / 5 + 4 * self.orders as u64) + 20 * self.outage
    }
}

/// A run, as somebody sees it who looks at it from outside, past the faults.
struct Run<'a> {
    aws: &'a Aws,
    settings: &'a Settings,
    traffic: Arc<Traffic>,
    storefront: Storefront,
    victims: Victims<'a>,
    kills_left: usize,
    senders: Vec<JoinHandle<()>>,
    publishing: Arc<Mutex<Publishing>>,
    /// Says that it is time for another order.
    orders: Option<Sender<usize>>,
    placed: Arc<Mutex<Vec<String>>>,
    unhandled: Vec<Event>,
    ended: HashMap<String, Status>,
    looks: usize,
}

/// How much is not at its end yet.
#[derive(Debug)]
struct Open {
    senders: usize,
    kills: usize,
    outages: usize,
    events: usize,
    poison: usize,
    orders: usize,
    messages: u32,
}

impl Open {
    fn is_none(&self) -> bool {
        self.senders + self.kills + self.outages + self.events + self.poison + self.orders == 0 && self.messages == 0
    }
}

pub(super) async fn nothing_is_lost_or_doubled_though_every_service_fails_and_processes_are_killed() {
    let settings = Settings::read();
    let random = SeededRandom::new(settings.seed);
    let aws = Aws::connect_to(deployment::with_faults(settings.seed));
    let published = aws.queue_behind_fifo_topic().await;
    let published = DeadLetters::collect(&aws.deployment.endpoint, &aws.deployment.region, &published);
    let traffic = Arc::new(Traffic::of(settings.events, &random));
    let storefront = Storefront::open(aws.deployment.outputs().clone(), settings.orders);
    let mut wire = Wire::of(aws.deployment);
    let begun = SystemClock.instant();

    wire.damage(aws.deployment, settings.outage);
    let mut run = Run::start(&aws, &settings, &traffic, storefront, &random);
    let mut report = Report {
        seed: settings.seed,
        ..Report::default()
    };
    loop {
        let open = run.look(&wire).await;
        let elapsed = SystemClock.instant().duration_since(begun);
        if run.looks.is_multiple_of(LOOKS_PER_LINE) || open.is_none() {
            run.tell(&open, &wire, elapsed);
        }
        if open.is_none() {
            break;
        }
        if elapsed > settings.patience() {
            report
                .problems
                .push(format!("did not end in {} s: {open:?}", elapsed.as_secs()));
            break;
        }
        SystemClock.sleep(BETWEEN_LOOKS).await;
    }
    report.orders.events_appended = run.relayed(&published, &mut report.problems).await;
    report.outages = wire.outages();
    report.faults = wire.mend();
    report.requests = wire.requests();
    report.duration_s = SystemClock.instant().duration_since(begun).as_secs();
    run.judge(&mut report).await;
    report.survived = report.problems.is_empty();
    let path = report.write(&wire.rules());
    eprintln!("\nchaos: {}report: {}\n", report.to_text(), path.display());
    assert!(report.survived, "{:#?}", report.problems);
}

impl<'a> Run<'a> {
    fn start(
        aws: &'a Aws,
        settings: &'a Settings,
        traffic: &Arc<Traffic>,
        storefront: Storefront,
        random: &'a SeededRandom,
    ) -> Self {
        let deployment = aws.deployment;
        let placed: Arc<Mutex<Vec<String>>> = Arc::default();
        let publishing: Arc<Mutex<Publishing>> = Arc::default();
        let (orders, numbers) = mpsc::channel();
        let senders = vec![
            thread::spawn({
                let (traffic, publishing) = (Arc::clone(traffic), Arc::clone(&publishing));
                move || *publishing.lock().unwrap() = traffic.publish(deployment)
            }),
            thread::spawn({
                let traffic = Arc::clone(traffic);
                move || traffic.poison_queue(deployment)
            }),
            thread::spawn({
                let (storefront, placed) = (storefront.clone(), Arc::clone(&placed));
                move || {
                    for number in numbers {
                        let order_id = storefront.place(number);
                        placed.lock().unwrap().push(order_id);
                    }
                }
            }),
        ];
        Self {
            aws,
            settings,
            storefront,
            victims: Victims::of(aws, random, &deployment.log.with_file_name("workers.log")),
            kills_left: settings.kills(),
            senders,
            publishing,
            orders: Some(orders),
            placed,
            unhandled: traffic.events.clone(),
            traffic: Arc::clone(traffic),
            ended: HashMap::new(),
            looks: 0,
        }
    }

    /// Kills something, as long as there is to be killing, and sees what is left to be done.
    async fn look(&mut self, wire: &Wire) -> Open {
        self.see_senders();
        self.order_more();
        self.looks += 1;
        if self.kills_left > 0 {
            self.kills_left -= 1;
            self.victims.kill_one();
        }
        if self.looks.is_multiple_of(LOOKS_PER_SWEEP) {
            // On AWS a schedule does it every minute.
            let sweeper = self.aws.deployment.output("SweeperFunctionName");
            invoke(self.aws.deployment, sweeper, "{}");
        }
        self.see_events().await;
        self.see_orders().await;
        let is_parked = |marker: &str| !self.aws.dead_letters().all_with(marker).is_empty();
        let mut poison = self.traffic.poison.iter();
        Open {
            senders: self.senders.len(),
            kills: self.kills_left,
            outages: wire.outages_left(),
            events: self.unhandled.len(),
            // Counting them all, over and over, would be for nobody.
            poison: usize::from(self.unhandled.is_empty() && !poison.all(|poison| is_parked(&poison.marker))),
            orders: self.settings.orders - self.ended.len(),
            messages: self.messages().await,
        }
    }

    /// Messages in all queues of the stack but those of dead letters.
    async fn messages(&self) -> u32 {
        let mut messages = 0;
        for (_, queue_url) in self.queues("QueueUrl") {
            messages += self.aws.messages_in(queue_url).await;
        }
        messages
    }

    /// The stack's outputs of such names.
    fn queues(&self, suffix: &str) -> impl Iterator<Item = (&String, &String)> {
        let outputs = self.aws.deployment.outputs().iter();
        outputs.filter(move |(name, _)| name.ends_with(suffix))
    }

    /// Half of the orders come while processes are killed, and half after: they have a deadline, which passes while what a
    /// dead process had in its hands is hidden, and some shall end well.
    fn order_more(&mut self) {
        let looks = 2 * self.settings.kills();
        let until = |looks_so_far: usize| self.settings.orders * looks_so_far.min(looks) / looks;
        if let Some(orders) = &self.orders {
            let numbers = until(self.looks)..until(self.looks + 1);
            numbers.for_each(|number| orders.send(number).unwrap());
        }
        if self.looks >= looks {
            self.orders = None;
        }
    }

    /// A sender that gave up ends the run.
    fn see_senders(&mut self) {
        while let Some(place) = self.senders.iter().position(JoinHandle::is_finished) {
            let ended = self.senders.swap_remove(place).join();
            ended.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }

    async fn see_events(&mut self) {
        let count = EVENTS_PER_LOOK.min(self.unhandled.len());
        let looked_at: Vec<Event> = self.unhandled.drain(..count).collect();
        let handled = self.aws.handled_of(&looked_at).await;
        let is_open = |event: &Event| !handled.contains(&event.id().to_string());
        self.unhandled.extend(looked_at.into_iter().filter(is_open));
    }

    async fn see_orders(&mut self) {
        let placed = self.placed.lock().unwrap().clone();
        let open = placed.into_iter().filter(|order_id| !self.ended.contains_key(order_id));
        let open: Vec<String> = open.take(ORDERS_PER_LOOK).collect();
        for order_id in open {
            let status = self.storefront.status_of(self.aws, &order_id).await;
            if let Some(status) = status.filter(|status| status.is_end()) {
                self.ended.insert(order_id, status);
            }
        }
    }

    fn tell(&self, open: &Open, wire: &Wire, elapsed: Duration) {
        let (events, orders) = (self.traffic.events.len(), self.settings.orders);
        let faults: u64 = wire.injected().iter().map(|fault| fault.count).sum();
        let killed: usize = self.victims.killed.values().sum();
        eprintln!(
            "chaos: {:>4} s, {} of {events} events handled, {} of {orders} orders ended, {} messages in queues; \
             {faults} faults, {killed} processes killed",
            elapsed.as_secs(),
            events - open.events,
            orders - open.orders,
            open.messages,
        );
    }
}

// ------------------------------------------------------------ what must hold

/// How long what was appended may take to be published, and to leave the queues.
const TO_SETTLE: Patience = Patience {
    at_most: Duration::from_secs(600),
    between_looks: Duration::from_millis(500),
};

impl Run<'_> {
    /// Everything that was appended has been published, while the faults go on; and streams are whole. Gives how many
    /// events there are.
    async fn relayed(&self, published: &DeadLetters, problems: &mut Vec<String>) -> usize {
        let appended = self.appended().await;
        let look = async || {
            let letters = published.all_with("");
            let published = letters.iter().filter_map(|letter| Event::from_json(&letter.body).ok());
            let published: HashSet<EventId> = published.map(|event| event.id()).collect();
            appended.iter().filter(|event| !published.contains(&event.id())).count()
        };
        if let Err(missing) = await_until(TO_SETTLE, look, |missing| *missing == 0).await {
            problems.push(format!(
                "{missing} of {} appended events were never published",
                appended.len()
            ));
        }
        let mut streams: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for event in &appended {
            let version = event.metadata().sequence.unwrap_or(0);
            streams.entry(event.aggregate().to_string()).or_default().push(version);
        }
        for (stream, mut versions) in streams {
            versions.sort_unstable();
            if !versions.iter().copied().eq(1..=versions.len() as u64) {
                problems.push(format!("{stream} has the versions {versions:?}"));
            }
        }
        appended.len()
    }

    async fn appended(&self) -> Vec<Event> {
        let rows = self.aws.all_rows(self.aws.deployment.output("EventsTableName")).await;
        let of_events = rows
            .iter()
            .filter(|row| number(row, "version").is_some_and(|version| version > 0));
        of_events.map(|row| EventLog::event_in(row).unwrap()).collect()
    }

    /// Looks at every effect there should be, now that nothing fails any more.
    async fn judge(&self, report: &mut Report) {
        let problems = &mut report.problems;
        self.judge_events(problems).await;
        report.poison = self.judge_poison(problems);
        self.judge_dead_letters(problems).await;
        report.orders.placed = self.ended.len();
        if self.ended.len() == self.settings.orders {
            report.orders.confirmed = self.storefront.must_hold_for(&self.ended).await;
            report.orders.taken_back = self.ended.len() - report.orders.confirmed;
            if report.orders.confirmed == 0 && self.settings.orders >= ENOUGH_ORDERS {
                problems.push("no order ended well".to_owned());
            }
        }
        report.killed = self.victims.killed.clone();
        let sum = |metric| sum_in(&self.aws.deployment.log, metric) + self.victims.sum_of_workers(metric);
        let publishing = self.publishing.lock().unwrap();
        report.events = Events {
            published: self.traffic.events.len(),
            copies: self.traffic.copies,
            sent_again: publishing.sent_again,
            publish_requests: publishing.requests,
            handled_by_consumers: sum("Handled"),
            duplicates_absorbed: sum("Duplicates"),
            retries: sum("Retries"),
        };
    }

    /// Each event took effect, and once: what was paid adds up.
    async fn judge_events(&self, problems: &mut Vec<String>) {
        let events = &self.traffic.events;
        let handled = self.aws.count_handled(events).await;
        if handled < events.len() {
            problems.push(format!("{} events are lost", events.len() - handled));
        }
        let paid = paid_by_order(events);
        let orders = events.iter().filter(|event| event.event_type() == "OrderCreated");
        for order_id in orders.map(|event| event.aggregate().id()) {
            let row = self.aws.order(order_id).await.unwrap_or_default();
            let shown = ["totalMinorUnits", "paidMinorUnits"].map(|name| number(&row, name).unwrap_or(0));
            let wanted = [2_500, paid.get(order_id).copied().unwrap_or(0)];
            if shown != wanted {
                problems.push(format!("the order {order_id} shows {shown:?} instead of {wanted:?}"));
            }
        }
    }

    /// Each poison is parked for its reason, at least once: a copy of it may have been parked by somebody who was killed
    /// before he could say so.
    fn judge_poison(&self, problems: &mut Vec<String>) -> Poison {
        let mut report = Poison {
            sent: self.traffic.poison.len(),
            parked: BTreeMap::new(),
        };
        for poison in &self.traffic.poison {
            let letters = self.aws.dead_letters().all_with(&poison.marker);
            let reasons: BTreeSet<&str> = letters.iter().map(|letter| letter.reason().unwrap_or("none")).collect();
            if reasons != BTreeSet::from([poison.reason]) {
                problems.push(format!(
                    "{} is parked for {reasons:?}, not for {}",
                    poison.marker, poison.reason
                ));
            }
            *report.parked.entry(poison.reason.to_owned()).or_default() += usize::from(!letters.is_empty());
        }
        report
    }

    /// Nothing but poison is in any dead-letter queue.
    async fn judge_dead_letters(&self, problems: &mut Vec<String>) {
        let markers = self.traffic.poison.iter().map(|poison| poison.marker.as_str());
        let is_poison = |body: &str| markers.clone().any(|marker| body.contains(marker));
        for letter in self.aws.dead_letters().all_with("") {
            if !is_poison(&letter.body) {
                problems.push(format!("parked for {:?}: {}", letter.reason(), start_of(&letter.body)));
            }
        }
        for (name, queue_url) in self.queues("DlqUrl").filter(|(name, _)| *name != "ConsumerDlqUrl") {
            let bodies = self.aws.take_bodies(queue_url).await;
            for body in bodies.iter().filter(|body| !is_poison(body)) {
                problems.push(format!("in {name}: {}", start_of(body)));
            }
        }
    }
}

fn start_of(body: &str) -> String {
    body.chars().take(300).collect()
}
