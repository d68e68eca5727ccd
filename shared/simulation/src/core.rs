//! What the processes of a simulated world share: requests on their way, time, and what they act on.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::backend::Backend;
use super::fault::Fault;
use super::operation::{AnyOperation, Nature, Operation};
use super::outage::{Outage, REQUEST_TIMEOUT, Target, Trouble};
use super::recording::Recording;
use super::schedule::Choices;
use super::time::{moment, timestamp_at};

/// Which run of which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) process: usize,
    pub(crate) incarnation: u64,
}

/// The shared state of a world.
pub(crate) struct Core(Mutex<State>);

pub(crate) struct State {
    pub(crate) choices: Choices,
    pub(crate) backend: Backend,
    pub(crate) now: Duration,
    pub(crate) recording: Recording,
    pub(crate) names: Vec<String>,
    /// How far each process's wall clock is off, in milliseconds.
    pub(crate) clock_offsets_ms: Vec<i64>,
    /// Which faults there are in this world.
    pub(crate) possible: Vec<Fault>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// What processes noted down for whoever judges.
    pub(crate) notes: Vec<String>,
    /// What is wrong by itself, whatever comes of it.
    pub(crate) defect: Option<String>,
    /// What does not work for a while.
    pub(crate) outages: Vec<Outage>,
    /// When each request of ours was sent; the platform's own left out.
    pub(crate) sent_at: Vec<Duration>,
    requests: VecDeque<Request>,
    /// Requests that nobody waits for any more, and that may still be carried out.
    on_the_wire: Vec<OnTheWire>,
    timers: BTreeMap<(Duration, u64), Timer>,
    numbers: u64,
}

struct Request {
    number: u64,
    who: Who,
    operation: Box<dyn AnyOperation>,
    /// Since it came to something that gives no answer: when its sender stops waiting.
    unanswered_until: Option<Duration>,
}

struct Timer {
    waker: Waker,
    is_background: bool,
    who: Who,
}

/// What the next step came to.
pub(crate) enum Step {
    /// Something was done.
    Done,
    /// This process ends here; it may start again.
    Crash(usize),
    /// Nothing can happen any more but what happens for ever, on a timer.
    Quiet {
        /// Whether time can still pass.
        has_timers: bool,
    },
}

impl Core {
    pub(crate) fn new(choices: Choices, recording: Recording) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            choices,
            backend: Backend::default(),
            now: Duration::ZERO,
            recording,
            names: Vec::new(),
            clock_offsets_ms: Vec::new(),
            possible: Fault::ALL.to_vec(),
            faults: BTreeMap::new(),
            notes: Vec::new(),
            defect: None,
            outages: Vec::new(),
            sent_at: Vec::new(),
            requests: VecDeque::new(),
            on_the_wire: Vec::new(),
            timers: BTreeMap::new(),
            numbers: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, and waits until the simulation has answered it.
    pub(crate) fn request<O: Operation>(self: &Arc<Self>, who: Who, operation: O) -> Answering<O> {
        Answering {
            core: Arc::clone(self),
            who,
            state: Sending::Unsent(Some(operation)),
        }
    }

    /// Waits until time has passed.
    pub(crate) fn sleep(self: &Arc<Self>, who: Who, duration: Duration, is_background: bool) -> Sleeping {
        Sleeping {
            core: Arc::clone(self),
            who,
            duration,
            is_background,
            timer: None,
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// One request, one landing of a request nobody waits for, or one stretch of time.
    pub(crate) fn step(&mut self) -> Step {
        let now = self.now;
        let ways: Vec<(usize, usize)> = self
            .requests
            .iter()
            .enumerate()
            .map(|(place, request)| (place, self.ways_of(request)))
            .filter(|(_, ways)| *ways > 0)
            .collect();
        let of_requests: usize = ways.iter().map(|(_, ways)| ways).sum();
        let landings = self.on_the_wire.len();
        let may_wait = usize::from(of_requests == 0 && landings > 0 && self.next_change().is_some());
        if of_requests + landings == 0 {
            return self.pass_time();
        }
        let mut chosen = self.choices.order(of_requests + landings + may_wait);
        for (place, ways) in ways {
            if chosen < ways {
                return self.serve(place, chosen);
            }
            chosen -= ways;
        }
        if chosen < landings {
            let OnTheWire { mut operation, .. } = self.on_the_wire.remove(chosen);
            self.tell(None, &*operation, "lands, though nobody waits for it any more");
            operation.land(&mut self.backend, now);
            self.publish_inserted();
            return Step::Done;
        }
        self.pass_time()
    }

    /// In how many ways a request can be carried out, or fail, now.
    fn ways_of(&self, request: &Request) -> usize {
        if let Some(until) = request.unanswered_until {
            return usize::from(until <= self.now);
        }
        match (self.trouble_of(request), request.operation.nature()) {
            (None, _) => request.operation.ways(&self.backend, self.now),
            (Some(_), Nature::Poll) => 0,
            (Some(_), _) => 1,
        }
    }

    /// The outage that a request meets now.
    fn trouble_of(&self, request: &Request) -> Option<&Outage> {
        let name = &self.names[request.who.process];
        self.outages
            .iter()
            .find(|outage| outage.is_at(self.now) && (outage.cuts_off(name) || request.operation.needs(&outage.target)))
    }

    /// Whether nothing has gone wrong, and nothing will by itself.
    pub(crate) fn is_calm(&self) -> bool {
        self.outages.is_empty() && self.choices.are_calm()
    }

    /// How far an outage has set the clock of a process off.
    pub(crate) fn outage_offset_ms(&self, process: usize) -> i64 {
        let Some(name) = self.names.get(process) else { return 0 };
        let now = self.now;
        let at_once = self.outages.iter().filter(|outage| outage.is_at(now));
        at_once.filter_map(|outage| outage.clock_offset_ms(name)).sum()
    }

    /// Lets a request meet an outage; false when there is none.
    fn meets_outage(&mut self, place: usize) -> bool {
        let now = self.now;
        let request = &self.requests[place];
        let (fault, until) = match (request.unanswered_until, self.trouble_of(request)) {
            (Some(_), _) => (Fault::Unreachable, None),
            (None, None) => return false,
            (None, Some(outage)) => match (outage.trouble, request.operation.nature()) {
                (Trouble::Throttled, _) => (Fault::Throttled, None),
                (Trouble::Silent, Nature::Call(limit)) => {
                    let gives_up = limit.map_or(Duration::MAX, |limit| now + limit);
                    (Fault::Unreachable, Some(outage.ends().min(gives_up)))
                }
                (Trouble::Silent, _) => (Fault::Unreachable, Some(now + REQUEST_TIMEOUT)),
                (Trouble::Unreachable | Trouble::ClockOff(_), _) => (Fault::Unreachable, None),
            },
        };
        self.tell_of(place, Some(fault));
        if let Some(until) = until {
            self.requests[place].unanswered_until = Some(until);
        } else if let Some(mut request) = self.requests.remove(place) {
            request.operation.fail(fault);
        }
        true
    }

    fn serve(&mut self, place: usize, way: usize) -> Step {
        if !self.outages.is_empty() && self.meets_outage(place) {
            return Step::Done;
        }
        let may_wait = self.next_timer().is_some();
        let of_operation = self.requests[place].operation.faults();
        let possible: Vec<Fault> = of_operation
            .iter()
            .copied()
            .filter(|fault| self.possible.contains(fault) && (may_wait || *fault != Fault::Slow))
            .collect();
        let fault = self.choices.fault(&possible);
        if let Some(fault) = fault {
            *self.faults.entry(fault).or_default() += 1;
        }
        if fault == Some(Fault::Slow) {
            // Carried out later: what has time limits goes on meanwhile.
            self.tell_of(place, fault);
            self.pass_any_time();
            return Step::Done;
        }
        self.tell_of(place, fault);
        let Some(mut request) = self.requests.remove(place) else {
            return Step::Done;
        };
        let (process, now) = (request.who.process, self.now);
        match fault {
            None | Some(Fault::Doubled | Fault::Partial | Fault::Replayed | Fault::Trimmed | Fault::Behind) => {
                request.operation.carry_out(&mut self.backend, now, way, fault);
            }
            Some(fault @ (Fault::ClockAhead | Fault::ClockBehind)) => {
                let direction = if fault == Fault::ClockAhead { 1 } else { -1 };
                self.clock_offsets_ms[process] = CLOCK_JUMP_MS * direction;
                request.operation.carry_out(&mut self.backend, now, way, None);
            }
            Some(Fault::CrashBefore) => return self.crash(process, Wire::Cut),
            Some(Fault::CrashAfter) => {
                request.operation.land(&mut self.backend, now);
                self.publish_inserted();
                return self.crash(process, Wire::Cut);
            }
            Some(Fault::CrashInFlight) => {
                self.leave_on_the_wire(request.operation);
                return self.crash(process, Wire::Whole);
            }
            Some(fault @ Fault::AnswerLost) => {
                request.operation.land(&mut self.backend, now);
                request.operation.fail(fault);
            }
            Some(fault @ Fault::Late) => {
                request.operation.fail(fault);
                self.leave_on_the_wire(request.operation);
            }
            Some(fault @ (Fault::Throttled | Fault::Conflict | Fault::Unreachable)) => request.operation.fail(fault),
            Some(Fault::Slow) => {}
        }
        self.publish_inserted();
        Step::Done
    }

    fn publish_inserted(&mut self) {
        let now = self.now;
        self.backend.stream_inserted(now);
    }

    /// A process ends for good; what it was sending may arrive.
    pub(crate) fn end(&mut self, process: usize) {
        let _ = self.crash(process, Wire::Whole);
    }

    fn crash(&mut self, process: usize, wire: Wire) -> Step {
        let requests = std::mem::take(&mut self.requests);
        let (its, others): (VecDeque<_>, VecDeque<_>) =
            requests.into_iter().partition(|request| request.who.process == process);
        self.requests = others;
        if wire == Wire::Whole {
            let sent = its.into_iter().map(|request| request.operation);
            for operation in sent.filter(|operation| operation.is_sent_at_once()) {
                self.leave_on_the_wire(operation);
            }
        }
        self.timers.retain(|_, timer| timer.who.process != process);
        Step::Crash(process)
    }

    /// A request that may arrive, though nobody waits for its answer any more.
    fn leave_on_the_wire(&mut self, operation: Box<dyn AnyOperation>) {
        let at = self.now;
        self.on_the_wire.push(OnTheWire { operation, at });
    }

    /// The next moment at which something changes by itself, background left out.
    fn next_change(&self) -> Option<Duration> {
        let timers = self.timers.iter().filter(|(_, timer)| !timer.is_background);
        let timer = timers.map(|((at, _), _)| *at).next();
        timer.into_iter().chain(self.next_change_around()).min()
    }

    /// The next moment at which something changes around the processes.
    fn next_change_around(&self) -> Option<Duration> {
        let queues = self.backend.next_change(self.now);
        let unanswered = self.requests.iter().filter_map(|request| request.unanswered_until);
        let outages = self.outages.iter().flat_map(|outage| [outage.begins, outage.ends()]);
        let later = outages.chain(unanswered).filter(|at| *at > self.now);
        queues.into_iter().chain(later).min()
    }

    /// The next moment at which anything changes by itself.
    fn next_timer(&self) -> Option<Duration> {
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        timer.into_iter().chain(self.next_change_around()).min()
    }

    fn pass_time(&mut self) -> Step {
        if self.next_change().is_none() {
            return Step::Quiet {
                has_timers: !self.timers.is_empty(),
            };
        }
        self.pass_any_time();
        Step::Done
    }

    /// Lets time pass to the next thing that happens by itself.
    pub(crate) fn pass_any_time(&mut self) {
        if let Some(at) = self.next_timer() {
            self.advance_to(at);
        }
    }

    fn advance_to(&mut self, at: Duration) {
        self.now = self.now.max(at);
        let now = self.now;
        self.on_the_wire
            .retain(|sent| now.saturating_sub(sent.at) <= SIGNED_FOR);
        self.backend.database.expire(timestamp_at(now).unix_seconds());
        let later = self.timers.split_off(&(now + Duration::from_nanos(1), 0));
        for (_, timer) in std::mem::replace(&mut self.timers, later) {
            timer.waker.wake();
        }
        self.recording.line(|| format!("{}  time passes", moment(now)));
    }

    /// Whether a process has sent something, or sleeps.
    pub(crate) fn is_waited_for(&self, process: usize) -> bool {
        self.requests.iter().any(|request| request.who.process == process)
            || self.timers.values().any(|timer| timer.who.process == process)
    }

    fn tell_of(&mut self, place: usize, fault: Option<Fault>) {
        let (now, request) = (self.now, &self.requests[place]);
        let name = &self.names[request.who.process];
        self.recording.operation(now, name, &*request.operation, fault);
    }

    fn tell(&mut self, name: Option<&str>, operation: &dyn AnyOperation, what: &str) {
        let now = self.now;
        self.recording.line(|| {
            let (name, what_it_is) = (name.unwrap_or("-"), operation.describe());
            format!("{}  {name:<16} {what_it_is}: {what}", moment(now))
        });
    }
}

/// How far off the right time a clock jumps: as far as AWS still takes a request from.
const CLOCK_JUMP_MS: i64 = 5 * 60 * 1000;
/// So long a request may be on its way: AWS refuses one whose signature is older.
const SIGNED_FOR: Duration = Duration::from_secs(15 * 60);

/// A request on its way.
struct OnTheWire {
    operation: Box<dyn AnyOperation>,
    at: Duration,
}

/// Whether a process that crashes takes what it was sending with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Cut,
    Whole,
}

struct Sent<O: Operation> {
    operation: O,
    slot: Arc<Slot<O::Answer>>,
}

struct Slot<T>(Mutex<Answer<T>>);

struct Answer<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, Answer<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, value: T) {
        let mut answer = self.lock();
        answer.value = Some(value);
        if let Some(waker) = answer.waker.take() {
            waker.wake();
        }
    }
}

impl<O: Operation> AnyOperation for Sent<O> {
    fn describe(&self) -> String {
        self.operation.describe()
    }

    fn content(&self) -> String {
        self.operation.content()
    }

    fn ways(&self, backend: &Backend, now: Duration) -> usize {
        self.operation.ways(backend, now)
    }

    fn faults(&self) -> &'static [Fault] {
        self.operation.faults()
    }

    fn needs(&self, target: &Target) -> bool {
        self.operation.needs(target)
    }

    fn nature(&self) -> Nature {
        self.operation.nature()
    }

    fn is_sent_at_once(&self) -> bool {
        self.operation.faults().contains(&Fault::CrashInFlight)
    }

    fn carry_out(&mut self, backend: &mut Backend, now: Duration, way: usize, fault: Option<Fault>) {
        let answer = self.operation.carry_out(backend, now, way, fault);
        self.slot.fill(answer);
    }

    fn land(&mut self, backend: &mut Backend, now: Duration) {
        if self.operation.ways(backend, now) > 0 {
            drop(self.operation.carry_out(backend, now, 0, None));
        }
    }

    fn fail(&mut self, fault: Fault) {
        let answer = self.operation.no_answer(fault);
        self.slot.fill(answer);
    }
}

/// A request under way.
pub(crate) struct Answering<O: Operation> {
    core: Arc<Core>,
    who: Who,
    state: Sending<O>,
}

enum Sending<O: Operation> {
    Unsent(Option<O>),
    Sent { number: u64, slot: Arc<Slot<O::Answer>> },
}

impl<O: Operation> Unpin for Answering<O> {}

impl<O: Operation> Future for Answering<O> {
    type Output = O::Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<O::Answer> {
        let this = &mut *self;
        if let Sending::Unsent(operation) = &mut this.state
            && let Some(operation) = operation.take()
        {
            let slot = Arc::new(Slot(Mutex::new(Answer {
                value: None,
                waker: None,
            })));
            let sent = Sent {
                operation,
                slot: Arc::clone(&slot),
            };
            let mut state = this.core.lock();
            let number = state.number();
            if matches!(sent.operation.nature(), Nature::Request | Nature::Call(_)) {
                let now = state.now;
                state.sent_at.push(now);
            }
            state.requests.push_back(Request {
                number,
                who: this.who,
                operation: Box::new(sent),
                unanswered_until: None,
            });
            drop(state);
            this.state = Sending::Sent { number, slot };
        }
        let Sending::Sent { slot, .. } = &this.state else {
            return Poll::Pending;
        };
        let mut answer = slot.lock();
        match answer.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                answer.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<O: Operation> Drop for Answering<O> {
    /// Whoever stops waiting does not take back what it sent.
    fn drop(&mut self) {
        let Sending::Sent { number, .. } = &self.state else {
            return;
        };
        let mut state = self.core.lock();
        let place = state
            .requests
            .iter()
            .position(|request| request.number == *number && request.who == self.who);
        if let Some(request) = place.and_then(|place| state.requests.remove(place))
            && request.operation.is_sent_at_once()
            && request.unanswered_until.is_none()
        {
            state.leave_on_the_wire(request.operation);
        }
    }
}

/// Time that has to pass.
pub(crate) struct Sleeping {
    core: Arc<Core>,
    who: Who,
    duration: Duration,
    is_background: bool,
    timer: Option<(Duration, u64)>,
}

impl Future for Sleeping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let core = Arc::clone(&self.core);
        let mut state = core.lock();
        let key = match self.timer {
            Some(key) => key,
            None => {
                let at = state.now.saturating_add(self.duration);
                (at, state.number())
            }
        };
        self.timer = Some(key);
        if key.0 <= state.now {
            return Poll::Ready(());
        }
        let timer = Timer {
            waker: context.waker().clone(),
            is_background: self.is_background,
            who: self.who,
        };
        state.timers.insert(key, timer);
        Poll::Pending
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        if let Some(key) = self.timer {
            self.core.lock().timers.remove(&key);
        }
    }
}
