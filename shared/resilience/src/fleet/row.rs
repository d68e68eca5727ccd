//! The row of a circuit. Its key is `Circuit#NAME`.
//!
//! | attribute | holds |
//! |---|---|
//! | `epoch` | the version of the last event in its stream |
//! | `state` | `closed`, `open`, `halfOpen`, `forcedOpen` or `forcedClosed` |
//! | `until` | when an open circuit is tried again, in milliseconds since 1970 |
//! | `opened`, `successes` | times opened since it was closed, successes since it is half-open |
//! | `p#N`, `o#N` | the end of permit N in milliseconds since 1970, and its owner |
//! | `c#W`, `f#W`, `s#W`, `r#W` | calls, failures, slow calls and reporters in window W |

use onecommit_engine::{Condition, Item, Key, Table, Update, Value};
use onecommit_environment::Timestamp;

use super::circuits::{Report, Transition};
use super::state::{FleetCircuit, FleetCounts, FleetPermit, FleetState, window_at};

const PREFIX: &str = "Circuit#";

pub(crate) fn key(circuit: &str) -> Key {
    Key::new("pk", format!("{PREFIX}{circuit}"))
}

/// The name of the circuit in a row; `None` for a row of something else.
pub(crate) fn name_in(row: &Item) -> Option<&str> {
    row.get("pk").and_then(Value::as_str)?.strip_prefix(PREFIX)
}

pub(crate) fn is_a_circuit() -> Condition {
    Condition::begins_with("pk", PREFIX)
}

pub(crate) fn read(row: Option<&Item>) -> FleetCircuit {
    let Some(row) = row else {
        return FleetCircuit::default();
    };
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or(0);
    let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let time = |name: &str| Timestamp::from_unix_ms(row.get(name).and_then(Value::as_i64).unwrap_or(0));
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut circuit = FleetCircuit {
        epoch: number("epoch"),
        state: match text("state") {
            "open" => FleetState::Open(time("until")),
            "halfOpen" => FleetState::HalfOpen,
            "forcedOpen" => FleetState::ForcedOpen,
            "forcedClosed" => FleetState::ForcedClosed,
            // Also what a later version may write: calls are made, and this process's own circuit protects them.
            _ => FleetState::Closed,
        },
        opened: small("opened"),
        successes: small("successes"),
        ..FleetCircuit::default()
    };
    for (name, value) in row {
        let Some((kind, rest)) = name.split_once('#') else {
            continue;
        };
        if kind == "p" {
            if let (Ok(permit), Some(until)) = (rest.parse(), value.as_i64()) {
                let owner = text(&format!("o#{rest}")).to_owned();
                let until = Timestamp::from_unix_ms(until);
                circuit.permits.insert(permit, FleetPermit { owner, until });
            }
            continue;
        }
        let (Ok(window), Some(value)) = (rest.parse(), value.as_u64()) else {
            continue;
        };
        let counts: &mut FleetCounts = circuit.windows.entry(window).or_default();
        match kind {
            "c" => counts.calls = value,
            "f" => counts.failures = value,
            "s" => counts.slow = value,
            "r" => counts.reporters = value,
            _ => {}
        }
    }
    circuit
}

fn of_epoch(circuit: &FleetCircuit) -> Condition {
    if circuit.epoch == 0 {
        return Condition::absent("epoch");
    }
    Condition::equals("epoch", circuit.epoch)
}

fn below(attribute: String, limit: u64) -> Condition {
    Condition::absent(&attribute).or(Condition::less(attribute, limit))
}

/// Adds what was counted, and the circuit as it is then, if nobody else has written since.
pub(crate) fn report(table: &Table, name: &str, seen: &FleetCircuit, report: &Report) -> (Update, FleetCircuit) {
    let Report {
        window,
        counts,
        look_at,
    } = *report;
    let amount = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut after = seen.clone();
    let mut update = table.update(key(name));
    for (kind, number) in [
        ("c", counts.calls),
        ("f", counts.failures),
        ("s", counts.slow),
        ("r", counts.reporters),
    ] {
        if number > 0 {
            update = update.add(format!("{kind}#{window}"), amount(number));
        }
    }
    let kept = after.windows.entry(window).or_default();
    kept.calls += counts.calls;
    kept.failures += counts.failures;
    kept.slow += counts.slow;
    kept.reporters += counts.reporters;
    update = without_windows(update, &mut after, |old| old + 1 < window);
    let mut condition = of_epoch(seen);
    for (kind, number) in [("f", counts.failures), ("s", counts.slow)] {
        if number > 0 {
            let limit = look_at.saturating_sub(number).max(1);
            condition = condition.and(below(format!("{kind}#{window}"), limit));
        }
    }
    (update.only_if(condition), after)
}

pub(crate) fn lease(
    table: &Table,
    name: &str,
    seen: &FleetCircuit,
    number: u32,
    permit: FleetPermit,
    now: Timestamp,
) -> (Update, FleetCircuit) {
    let end = format!("p#{number}");
    let update = with_permit(table.update(key(name)), number, &permit).only_if(
        of_epoch(seen)
            .and(Condition::equals("state", FleetState::HalfOpen.name()))
            .and(Condition::absent(&end).or(Condition::Compare(
                end,
                onecommit_engine::Comparison::LessOrEqual,
                now.unix_ms().into(),
            ))),
    );
    let mut after = seen.clone();
    after.permits.insert(number, permit);
    (update, after)
}

pub(crate) fn succeed(
    table: &Table,
    name: &str,
    seen: &FleetCircuit,
    number: u32,
    owner: &str,
    needed: u32,
) -> (Update, FleetCircuit) {
    let update = without_permit(table.update(key(name)), number)
        .add("successes", 1)
        .only_if(
            of_epoch(seen)
                .and(Condition::equals(format!("o#{number}"), owner))
                .and(below("successes".to_owned(), u64::from(needed.saturating_sub(1)))),
        );
    let mut after = seen.clone();
    after.permits.remove(&number);
    after.successes += 1;
    (update, after)
}

pub(crate) fn change(
    table: &Table,
    name: &str,
    seen: &FleetCircuit,
    transition: &Transition,
    now: Timestamp,
) -> (Update, FleetCircuit) {
    let mut after = FleetCircuit {
        epoch: seen.epoch + 1,
        opened: seen.opened,
        windows: seen.windows.clone(),
        ..FleetCircuit::default()
    };
    let mut condition = of_epoch(seen);
    match transition {
        Transition::Open(until, _) => {
            after.state = FleetState::Open(*until);
            after.opened += 1;
        }
        Transition::HalfOpen(owner, until) => {
            after.state = FleetState::HalfOpen;
            let (owner, until) = (owner.clone(), *until);
            after.permits.insert(0, FleetPermit { owner, until });
        }
        Transition::Close(number, owner) => {
            after.state = FleetState::Closed;
            after.opened = 0;
            condition = condition.and(Condition::equals(format!("o#{number}"), owner));
        }
        Transition::ForceOpen(_) => after.state = FleetState::ForcedOpen,
        Transition::ForceClosed(_) => after.state = FleetState::ForcedClosed,
        Transition::Release(_) => after.opened = 0,
    }
    let mut update = table
        .update(key(name))
        .set("epoch", after.epoch)
        .set("state", after.state.name())
        .set("opened", after.opened)
        .remove("successes");
    update = match after.state {
        FleetState::Open(until) => update.set("until", until.unix_ms()),
        _ => update.remove("until"),
    };
    for number in seen.permits.keys() {
        if !after.permits.contains_key(number) {
            update = without_permit(update, *number);
        }
    }
    for (number, permit) in &after.permits {
        update = with_permit(update, *number, permit);
    }
    // A circuit that closes judges by what happens from now on.
    let forgets_all = after.state == FleetState::Closed;
    let window = window_at(now);
    update = without_windows(update, &mut after, |old| forgets_all || old + 1 < window);
    (update.only_if(condition), after)
}

fn with_permit(update: Update, number: u32, permit: &FleetPermit) -> Update {
    update
        .set(format!("p#{number}"), permit.until.unix_ms())
        .set(format!("o#{number}"), &permit.owner)
}

fn without_permit(update: Update, number: u32) -> Update {
    update.remove(format!("p#{number}")).remove(format!("o#{number}"))
}

fn without_windows(mut update: Update, circuit: &mut FleetCircuit, is_over: impl Fn(u64) -> bool) -> Update {
    let over: Vec<u64> = circuit
        .windows
        .keys()
        .copied()
        .filter(|window| is_over(*window))
        .collect();
    for window in over {
        circuit.windows.remove(&window);
        for kind in ["c", "f", "s", "r"] {
            update = update.remove(format!("{kind}#{window}"));
        }
    }
    update
}
