//! Sends commits to the database, several in one transaction where they touch different rows.
//!
//! Whoever commits first leads: it waits a moment for others whose handlers still run, takes what has gathered, and
//! sends it. What gathers meanwhile has a leader of its own. No task runs in the background.
//!
//! ```text
//! A  handler ─ submit, leads ──┬─ waits for B and C ─┬─ one transaction ─┬─ landed
//! B  handler ────── submit ────┘                     │                   ├─ landed
//! C  handler ──────────────── submit ────────────────┘                   └─ landed
//! ```

use std::collections::HashSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use onecommit_environment::{Backoff, Environment, RetryPolicy, TRACES, TraceContext, retry};
use tokio::sync::{Notify, oneshot};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use crate::metrics::Metrics;
use crate::table_writer::{Cancellation, DatabaseError, TableWriter, TransientKind};
use crate::transaction::{ACTIONS_MAX, BYTES_MAX, Transaction};
use crate::value::Item;
use crate::write::Write;

/// The writes of one message; the first is the claim that makes handling it twice impossible.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) writes: Vec<Write>,
    /// Shall not share a transaction, because it might spoil it.
    pub(crate) alone: bool,
    /// The most requests that may be made for it; those it shares count.
    pub(crate) attempts_max: u32,
}

/// What became of one unit.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Landed,
    /// The claim did not hold: the row that was found.
    Claimed(Option<Item>),
    /// One of the handler's own conditions did not hold.
    ConditionFailed(Lost),
    /// It did not land, or nobody knows; it may be sent again.
    Transient(TransientKind, String),
    /// It did not land and never will like this.
    Refused(String),
}

/// A row whose condition did not hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lost {
    table: String,
    target: String,
    found: Option<Item>,
}

impl Lost {
    pub(crate) fn of(write: &Write, found: Option<Item>) -> Self {
        Self {
            table: write.table().to_string(),
            target: write.target(),
            found,
        }
    }

    /// The row that was found.
    pub(crate) fn found(&self) -> Option<&Item> {
        self.found.as_ref()
    }

    /// The row that was found, if it is this one.
    pub(crate) fn found_of(&self, target: &str) -> Option<&Item> {
        self.found().filter(|_| self.target == target)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a condition on a row of {} failed", self.table)
    }
}

/// Commits that landed alone before groups are trusted again, after a group had to be split because of duplicates:
/// DynamoDB charges a cancelled transaction like one that landed.
const TRUST_AFTER: u32 = 16;

pub(crate) struct Committer {
    database: Arc<dyn TableWriter>,
    environment: Environment,
    metrics: Arc<Metrics>,
    backoff: Backoff,
    linger: Duration,
    grouping: bool,
    gathering: Mutex<Gathering>,
    /// Handlers that run and may commit soon.
    running: AtomicUsize,
    changed: Notify,
    distrust: AtomicU32,
}

#[derive(Default)]
struct Gathering {
    waiting: Vec<Waiting>,
    has_leader: bool,
}

struct Waiting {
    unit: Unit,
    /// Requests made for it so far that failed for a reason that passes.
    used: u32,
    /// The span of its message, while traces are on.
    trace: Option<TraceContext>,
    reply: oneshot::Sender<Outcome>,
}

impl Committer {
    pub(crate) fn new(
        database: Arc<dyn TableWriter>,
        environment: Environment,
        metrics: Arc<Metrics>,
        settings: &crate::consumer::Settings,
    ) -> Self {
        Self {
            database,
            environment,
            metrics,
            backoff: settings.commit_backoff,
            linger: settings.group_linger,
            grouping: settings.group_commit,
            gathering: Mutex::default(),
            running: AtomicUsize::new(0),
            changed: Notify::new(),
            distrust: AtomicU32::new(0),
        }
    }

    /// Says that a handler runs whose commit is worth waiting for, until the guard is dropped.
    pub(crate) fn expect_another(&self) -> Expected<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Expected(self)
    }

    /// Sends a unit, in company or alone, and tells what became of it.
    pub(crate) async fn commit(&self, unit: Unit) -> Outcome {
        if !self.grouping || unit.alone || self.distrust.load(Ordering::Relaxed) > 0 {
            let span = self.span_of(&[]);
            let outcome = self.send_alone(&unit, 0).instrument(span.clone()).await;
            note_on(&span, &outcome);
            self.note(&outcome, 1);
            return outcome;
        }
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            unit,
            used: 0,
            trace: self.environment.trace_context(),
            reply,
        };
        if self.join(waiting) {
            let leader = Leader {
                committer: self,
                leads: true,
            };
            self.gather().await;
            let gathered = leader.step_down();
            self.send_all(gathered).await;
        }
        answer
            .await
            .unwrap_or_else(|_| Outcome::unknown("the shared commit was abandoned"))
    }

    /// Joins those who wait; true for the one who leads them.
    fn join(&self, waiting: Waiting) -> bool {
        let mut gathering = self.lock();
        gathering.waiting.push(waiting);
        let leads = !gathering.has_leader;
        gathering.has_leader = true;
        drop(gathering);
        self.changed.notify_one();
        leads
    }

    /// Waits until no handler runs any more, the transaction is full, or it has been long enough.
    async fn gather(&self) {
        yield_once().await;
        let long_enough = self.environment.clock().sleep(self.linger);
        let mut long_enough = std::pin::pin!(long_enough);
        while self.running.load(Ordering::Relaxed) > 0 && self.lock().waiting.len() < ACTIONS_MAX / 2 {
            let changed = std::pin::pin!(self.changed.notified());
            if let Either::Right(_) = select(changed, long_enough.as_mut()).await {
                break;
            }
        }
    }

    async fn send_all(&self, gathered: Vec<Waiting>) {
        let mut pending = gathered;
        while !pending.is_empty() {
            let (groups, mut later) = pack(pending);
            let survivors = join_all(groups.into_iter().map(|group| self.send_group(group))).await;
            later.extend(survivors.into_iter().flatten());
            pending = later;
        }
    }

    /// Sends one group, answers those whose end is known, and gives back those that are to be sent once more: they only
    /// shared the transaction with those to blame, or met a conflict that passes.
    async fn send_group(&self, mut group: Vec<Waiting>) -> Vec<Waiting> {
        let span = self.span_of(&group);
        if group.len() == 1
            && let Some(Waiting { unit, used, reply, .. }) = group.pop()
        {
            let outcome = self.send_alone(&unit, used).instrument(span.clone()).await;
            note_on(&span, &outcome);
            self.note(&outcome, 1);
            // Nobody listens any more when the batch was given up; the ledger still knows.
            let _ = reply.send(outcome);
            return Vec::new();
        }
        let writes = group
            .iter()
            .flat_map(|waiting| waiting.unit.writes.iter().cloned())
            .collect();
        let left = group.iter().map(Waiting::attempts_left).min().unwrap_or(1);
        let (result, used) = self.send_together(writes, left).instrument(span.clone()).await;
        if !matches!(result, Ok(Sent::Landed)) {
            span.record("error.type", "not_landed");
            span.record("otel.status_code", "ERROR");
        }
        let outcomes = match result {
            Ok(Sent::Landed) => return answer_all(group, || Outcome::Landed),
            Ok(Sent::Cancelled(reasons)) => split(&group, &reasons),
            // One of them may name a table that is not there; the others need not wait for it.
            Err(DatabaseError::Rejected(_) | DatabaseError::Misconfigured(_)) => return each_alone(group),
            Err(error) => return answer_all(group, || failed(&error)),
        };
        if outcomes.iter().all(Option::is_none) {
            return each_alone(group);
        }
        let mut survivors = Vec::new();
        for (mut waiting, outcome) in group.into_iter().zip(outcomes) {
            match outcome {
                None => survivors.push(waiting),
                Some(Outcome::Transient(..)) if waiting.used + used < waiting.unit.attempts_max => {
                    waiting.used += used;
                    waiting.unit.alone = true;
                    survivors.push(waiting);
                }
                Some(outcome) => {
                    self.note(&outcome, 2);
                    let _ = waiting.reply.send(outcome);
                }
            }
        }
        survivors
    }

    /// The span of a request that commits what these messages came to: the child of the first one's, linked to all that share
    /// it. Whoever leads sends for others, so the span that the code runs in says nothing.
    fn span_of(&self, group: &[Waiting]) -> Span {
        let span = info_span!(
            target: TRACES,
            "commit",
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "aws.dynamodb",
            onecommit.messages = group.len().max(1),
            error.r#type = Empty,
        );
        if let Some(tracer) = self.environment.tracer().filter(|_| !span.is_disabled()) {
            let mut messages = group.iter().filter_map(|waiting| waiting.trace.as_ref()).peekable();
            if let Some(first) = messages.peek() {
                tracer.set_parent(&span, first);
            }
            if group.len() > 1 {
                messages.for_each(|message| tracer.link(&span, message));
            }
        }
        span
    }

    /// Sends one unit, for the first time or after it was cancelled in a group because of a conflict.
    async fn send_alone(&self, unit: &Unit, used: u32) -> Outcome {
        if used > 0 {
            let pause = self.backoff.after(used, self.environment.random());
            self.environment.clock().sleep(pause).await;
        }
        let policy = self.policy(unit.attempts_max.saturating_sub(used));
        let result = match &*unit.writes {
            // A single conditional write costs half the units of a transaction of one.
            [write] => retry(&self.environment, policy, || self.count(self.database.write(write))).await,
            writes => {
                let transaction = self.transaction(writes.to_vec());
                let request = || self.count(self.database.transact(&transaction));
                retry(&self.environment, policy, request).await
            }
        };
        match result {
            Ok(()) => Outcome::Landed,
            Err(DatabaseError::Cancelled(reasons)) => outcome_of(&unit.writes, &reasons)
                .unwrap_or_else(|| Outcome::unknown("the database cancelled a transaction without a reason")),
            Err(error) => failed(&error),
        }
    }

    /// Sends several units in one transaction; with the number of requests it took. What cancels it need not concern all of
    /// them, so it is not repeated as a whole.
    async fn send_together(&self, writes: Vec<Write>, attempts_max: u32) -> (Result<Sent, DatabaseError>, u32) {
        let transaction = self.transaction(writes);
        let used = AtomicU32::new(0);
        let request = || async {
            used.fetch_add(1, Ordering::Relaxed);
            match self.count(self.database.transact(&transaction)).await {
                Ok(()) => Ok(Sent::Landed),
                Err(DatabaseError::Cancelled(reasons)) => Ok(Sent::Cancelled(reasons)),
                Err(error) => Err(error),
            }
        };
        let result = retry(&self.environment, self.policy(attempts_max), request).await;
        (result, used.into_inner())
    }

    /// The same request is sent with the same token: if it landed and the answer was lost, it changes nothing more.
    fn transaction(&self, writes: Vec<Write>) -> Transaction {
        Transaction {
            token: self.environment.ids().next(),
            writes,
        }
    }

    fn policy(&self, attempts_max: u32) -> RetryPolicy {
        RetryPolicy {
            attempts_max,
            backoff: self.backoff,
        }
    }

    async fn count<T>(&self, request: impl Future<Output = T>) -> T {
        let started = self.environment.clock().instant();
        let answer = request.await;
        self.metrics
            .request(self.environment.clock().instant().saturating_duration_since(started));
        answer
    }

    /// Learns whether sharing transactions pays for now.
    fn note(&self, outcome: &Outcome, group_size: usize) {
        match outcome {
            Outcome::Claimed(Some(_)) if group_size > 1 || self.distrust.load(Ordering::Relaxed) > 0 => {
                self.distrust.store(TRUST_AFTER, Ordering::Relaxed);
            }
            Outcome::Landed => {
                let _ = self
                    .distrust
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn attempts_left(&self) -> u32 {
        self.unit.attempts_max.saturating_sub(self.used).max(1)
    }
}

impl Outcome {
    /// Nobody knows whether it landed.
    pub(crate) fn unknown(why: &str) -> Self {
        Self::Transient(TransientKind::Unavailable, why.to_owned())
    }
}

/// What became of a transaction that several units share.
enum Sent {
    Landed,
    Cancelled(Vec<Cancellation>),
}

/// The outcome of a request that failed as a whole.
fn failed(error: &DatabaseError) -> Outcome {
    match error {
        DatabaseError::Transient(kind, cause) => Outcome::Transient(*kind, format!("{kind:?}: {cause}")),
        DatabaseError::Rejected(cause) => Outcome::Refused(cause.to_string()),
        DatabaseError::Misconfigured(_) | DatabaseError::Cancelled(_) => Outcome::unknown(&error.to_string()),
    }
}

/// A handler that runs.
pub(crate) struct Expected<'a>(&'a Committer);

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }
}

/// Whoever leads. Dropped half-way, it lets those who wait go, so that none of them hangs.
struct Leader<'a> {
    committer: &'a Committer,
    leads: bool,
}

impl Leader<'_> {
    fn step_down(mut self) -> Vec<Waiting> {
        self.leads = false;
        let mut gathering = self.committer.lock();
        gathering.has_leader = false;
        std::mem::take(&mut gathering.waiting)
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if self.leads {
            let mut gathering = self.committer.lock();
            gathering.has_leader = false;
            gathering.waiting.clear();
        }
    }
}

/// Notes on a request's span why it failed. That a message was handled before is not a failure.
fn note_on(span: &Span, outcome: &Outcome) {
    let kind = match outcome {
        Outcome::Landed | Outcome::Claimed(_) => return,
        Outcome::ConditionFailed(_) => "condition_failed",
        Outcome::Transient(..) => "transient",
        Outcome::Refused(_) => "refused",
    };
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}

fn answer_all(group: Vec<Waiting>, outcome: impl Fn() -> Outcome) -> Vec<Waiting> {
    for waiting in group {
        let _ = waiting.reply.send(outcome());
    }
    Vec::new()
}

fn each_alone(mut group: Vec<Waiting>) -> Vec<Waiting> {
    group.iter_mut().for_each(|waiting| waiting.unit.alone = true);
    group
}

/// Whose fault the cancellation was; `None` for those who only sat in the same boat.
fn split(group: &[Waiting], reasons: &[Cancellation]) -> Vec<Option<Outcome>> {
    let mut rest = reasons;
    group
        .iter()
        .map(|waiting| {
            let count = waiting.unit.writes.len().min(rest.len());
            let (own, others) = rest.split_at(count);
            rest = others;
            outcome_of(&waiting.unit.writes, own)
        })
        .collect()
}

/// What the cancellation reasons of a unit's own writes say of it. That it was handled before outweighs all else: then
/// the other conditions were bound to fail.
fn outcome_of(writes: &[Write], reasons: &[Cancellation]) -> Option<Outcome> {
    if let Some(Cancellation::ConditionFailed(found)) = reasons.first() {
        return Some(Outcome::Claimed(found.clone()));
    }
    let mut transient = None;
    for (write, reason) in writes.iter().zip(reasons) {
        match reason {
            Cancellation::None => {}
            Cancellation::ConditionFailed(found) => {
                return Some(Outcome::ConditionFailed(Lost::of(write, found.clone())));
            }
            Cancellation::Invalid(why) => return Some(Outcome::Refused(format!("{}: {why}", write.table()))),
            Cancellation::Transient(kind) => transient = Some(*kind),
        }
    }
    transient.map(|kind: TransientKind| Outcome::Transient(kind, format!("{kind:?}")))
}

/// Fills transactions with units that touch different rows. Second, those that have to come later because a row of
/// theirs is in use.
fn pack(units: Vec<Waiting>) -> (Vec<Vec<Waiting>>, Vec<Waiting>) {
    let mut groups: Vec<Vec<Waiting>> = Vec::new();
    let mut later = Vec::new();
    let mut targets: HashSet<String> = HashSet::new();
    let mut open: Option<(usize, usize, usize)> = None; // the group, its actions, its bytes
    for waiting in units {
        let own: Vec<String> = waiting.unit.writes.iter().map(Write::target).collect();
        if own.iter().any(|target| targets.contains(target)) {
            later.push(waiting);
            continue;
        }
        targets.extend(own);
        let actions = waiting.unit.writes.len();
        let bytes: usize = waiting.unit.writes.iter().map(Write::bytes).sum();
        match &mut open {
            _ if waiting.unit.alone => groups.push(vec![waiting]),
            Some((group, actions_so_far, bytes_so_far))
                if *actions_so_far + actions <= ACTIONS_MAX && *bytes_so_far + bytes <= BYTES_MAX =>
            {
                *actions_so_far += actions;
                *bytes_so_far += bytes;
                groups[*group].push(waiting);
            }
            _ => {
                open = Some((groups.len(), actions, bytes));
                groups.push(vec![waiting]);
            }
        }
    }
    (groups, later)
}

/// Lets everything else that is ready run first.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
