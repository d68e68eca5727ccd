use std::io::{self, Write};

use onecommit_engine::{DatabaseError, TableReader, TableWriter};
use onecommit_environment::Environment;
use onecommit_resilience::fleet::{Circuits, FleetCircuit, FleetState, Step, TableCircuits, Transition};
use serde::Serialize;

use crate::cli::{ForceCircuit, Forced};
use crate::confirmation;
use crate::process::Failure;
use crate::terminal::Terminal;

/// A circuit, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    circuit: String,
    state: &'static str,
    /// The version of the last event in its stream.
    epoch: u64,
    /// When it is tried again; none unless it is open.
    until: Option<String>,
    /// Times that it has opened since it was last closed.
    opened: u32,
    /// Calls that have succeeded since it is half-open.
    successes: u32,
    /// Permits that are held at this time.
    permits: usize,
    /// What was reported in the last 10 to 20 s.
    calls: u64,
    failures: u64,
    slow: u64,
    reporters: u64,
}

/// The circuit was changed again and again by others.
#[derive(Debug, thiserror::Error)]
#[error("the circuit {circuit} was changed at the same time; try again")]
struct NotForced {
    circuit: String,
}

/// Nothing was ever reported of a circuit of this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is not a circuit {circuit} in the table: nothing was ever reported of it. `{program} circuits list` prints those that there are"
)]
struct UnknownCircuit {
    program: &'static str,
    circuit: String,
}

impl Shown {
    fn of(name: &str, circuit: &FleetCircuit, environment: &Environment) -> Self {
        let now = environment.clock().now();
        let counts = circuit.counts_at(now);
        Self {
            circuit: name.to_owned(),
            state: circuit.state.name(),
            epoch: circuit.epoch,
            until: match circuit.state {
                FleetState::Open(until) => Some(until.to_string()),
                _ => None,
            },
            opened: circuit.opened,
            successes: circuit.successes,
            permits: circuit.permits.values().filter(|permit| permit.until > now).count(),
            calls: counts.calls,
            failures: counts.failures,
            slow: counts.slow,
            reporters: counts.reporters,
        }
    }

    fn print(&self, program: &str, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output, "{}  {}", self.circuit, self.state)?;
        if let Some(until) = &self.until {
            writeln!(output, "  tried again at {until}")?;
        }
        writeln!(
            output,
            "  epoch {}, opened {} times since it was last closed, {} successes, {} permits held",
            self.epoch, self.opened, self.successes, self.permits
        )?;
        writeln!(
            output,
            "  reported in the last 20 s: {} calls, {} failures, {} slow, by {} processes",
            self.calls, self.failures, self.slow, self.reporters
        )?;
        writeln!(output, "  its changes: {program} events show Circuit#{}", self.circuit)
    }
}

const CIRCUIT: &str = "CIRCUIT";

/// Prints all circuits: a table for people, a line each for programs.
pub(crate) async fn list<D: TableReader + TableWriter>(
    circuits: &TableCircuits<D>,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let found = circuits.list().await?;
    let found: Vec<Shown> = found
        .iter()
        .map(|(name, circuit)| Shown::of(name, circuit, environment))
        .collect();
    if terminal.json {
        for shown in &found {
            terminal.print(shown, |_| Ok(()))?;
        }
        return Ok(());
    }
    print_table(&found, &mut *terminal.output)?;
    Ok(())
}

fn print_table(circuits: &[Shown], output: &mut dyn Write) -> io::Result<()> {
    if circuits.is_empty() {
        return writeln!(output, "nothing was ever reported of a circuit: all are closed");
    }
    let width = circuits
        .iter()
        .map(|shown| shown.circuit.len())
        .max()
        .unwrap_or_default();
    let width = width.max(CIRCUIT.len());
    writeln!(output, "{CIRCUIT:width$}  STATE         EPOCH  FAILURES  UNTIL")?;
    for shown in circuits {
        let until = shown.until.as_deref().unwrap_or("-");
        writeln!(
            output,
            "{:width$}  {:<12}  {:<5}  {:<8}  {until}",
            shown.circuit, shown.state, shown.epoch, shown.failures
        )?;
    }
    Ok(())
}

/// Prints one circuit.
pub(crate) async fn show<D: TableReader + TableWriter>(
    circuits: &TableCircuits<D>,
    name: &str,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let program = terminal.program;
    let circuit = known(circuits, name, program).await?;
    let shown = Shown::of(name, &circuit, environment);
    terminal.print(&shown, |output| shown.print(program, output))?;
    Ok(())
}

async fn known<D: TableReader + TableWriter>(
    circuits: &TableCircuits<D>,
    name: &str,
    program: &'static str,
) -> Result<FleetCircuit, Failure> {
    let circuit = circuits.look(name).await?;
    if circuit == FleetCircuit::default() {
        return Err(UnknownCircuit {
            program,
            circuit: name.to_owned(),
        }
        .into());
    }
    Ok(circuit)
}

/// Forces a circuit open or closed, or lets it decide by itself again, after asking whether that is meant.
pub(crate) async fn force<D: TableReader + TableWriter>(
    circuits: &TableCircuits<D>,
    arguments: &ForceCircuit,
    by: &str,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (program, name) = (terminal.program, &arguments.circuit);
    // One of which nothing was reported may be forced, too: before a downstream is taken away, for example.
    let seen = circuits.look(name).await?;
    if !arguments.yes {
        let consequence = match arguments.to {
            Forced::Open => "Every process refuses its calls within 5 s",
            Forced::Closed => "Every process makes its calls within 5 s, whatever becomes of them",
            Forced::Released => "It decides by itself again, from closed on",
        };
        let question = format!("The circuit {name} is {}. {consequence}.", seen.state.name());
        confirmation::ask(terminal, &question)??;
    }
    let circuit = forced(circuits, name, seen, &transition(arguments.to, by)).await?;
    let shown = Shown::of(name, &circuit, environment);
    terminal.print(&shown, |output| shown.print(program, output))?;
    Ok(())
}

fn transition(to: Forced, by: &str) -> Transition {
    match to {
        Forced::Open => Transition::ForceOpen(by.to_owned()),
        Forced::Closed => Transition::ForceClosed(by.to_owned()),
        Forced::Released => Transition::Release(by.to_owned()),
    }
}

async fn forced<D: TableReader + TableWriter>(
    circuits: &TableCircuits<D>,
    name: &str,
    mut seen: FleetCircuit,
    transition: &Transition,
) -> Result<FleetCircuit, Failure> {
    const TRIES: u32 = 5;
    for _ in 0..TRIES {
        let step: Result<Step, DatabaseError> = circuits.change(name, &seen, transition).await;
        match step? {
            Step::Done(circuit) => return Ok(circuit),
            Step::Refused(found) => seen = found,
        }
    }
    Err(NotForced {
        circuit: name.to_owned(),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_engine::Table;
    use onecommit_testing::MemoryDatabase;
    use serde_json::Value;

    use super::*;
    use crate::commands::kit::{Screen, log};

    fn circuits() -> (TableCircuits<MemoryDatabase>, Environment) {
        let environment = Environment::system();
        let tables = Arc::new(MemoryDatabase::default());
        let circuits = TableCircuits::new(tables, Table::new("circuits"), log(), environment.clone());
        (circuits, environment)
    }

    fn to(to: Forced, yes: bool) -> ForceCircuit {
        ForceCircuit {
            circuit: "carrier".to_owned(),
            to,
            yes,
        }
    }

    async fn state(circuits: &TableCircuits<MemoryDatabase>) -> &'static str {
        circuits.look("carrier").await.unwrap().state.name()
    }

    #[tokio::test]
    async fn a_circuit_is_forced_only_after_confirmation() {
        let (circuits, environment) = circuits();
        let mut screen = Screen::with_input("no\n");
        let asked = to(Forced::Open, false);
        let refused = force(&circuits, &asked, "ada", &environment, &mut screen.for_people()).await;
        assert!(refused.unwrap_err().to_string().contains("nothing was changed"));
        assert!(screen.notes().contains("carrier is closed"));
        assert_eq!(state(&circuits).await, "closed");
        let mut screen = Screen::with_input("yes\n");
        force(&circuits, &asked, "ada", &environment, &mut screen.for_people())
            .await
            .unwrap();
        assert!(screen.output().contains("carrier  forcedOpen"));
        assert_eq!(state(&circuits).await, "forcedOpen");
    }

    #[tokio::test]
    async fn scripts_force_release_list_and_show() {
        let (circuits, environment) = circuits();
        for (forced, state) in [
            (Forced::Open, "forcedOpen"),
            (Forced::Closed, "forcedClosed"),
            (Forced::Released, "closed"),
        ] {
            let mut screen = Screen::default();
            let asked = to(forced, true);
            force(&circuits, &asked, "ada", &environment, &mut screen.for_programs())
                .await
                .unwrap();
            let told: Value = serde_json::from_str(&screen.output()).unwrap();
            assert_eq!((&told["circuit"], &told["state"]), (&"carrier".into(), &state.into()));
        }
        let mut screen = Screen::default();
        list(&circuits, &environment, &mut screen.for_programs()).await.unwrap();
        let listed: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(listed["epoch"], 3);
        let mut screen = Screen::default();
        show(&circuits, "carrier", &environment, &mut screen.for_people())
            .await
            .unwrap();
        assert!(screen.output().contains("epoch 3"), "{}", screen.output());
    }

    #[tokio::test]
    async fn an_unknown_circuit_is_named() {
        let (circuits, environment) = circuits();
        let mut screen = Screen::default();
        let unknown = show(&circuits, "carriers", &environment, &mut screen.for_people()).await;
        assert!(unknown.unwrap_err().to_string().contains("carriers"));
        list(&circuits, &environment, &mut screen.for_people()).await.unwrap();
        assert!(screen.output().contains("all are closed"));
    }
}
