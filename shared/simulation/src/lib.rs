//! A simulated world: the real engine, relay, sagas and handlers on queues, topics, streams and tables in memory, with a
//! virtual clock and a scheduler that decides everything that is left to chance elsewhere.
//!
//! Every request that leaves a process - a transaction, a read, a message, a call - waits for the scheduler. It chooses
//! which one is next, and what goes wrong with it: its sender ends before, during or after it, the answer is lost, it
//! arrives late, twice, in part or not at all, it is throttled, it conflicts. What it chose is a [`Schedule`]; the same
//! schedule gives the same run.
//!
//! - [`explore`] does all of it for a consumer of yours.
//! - A [`Scenario`] is a world of your own, with several consumers, a relay, periodic jobs; [`Search`] explores it
//!   exhaustively within [`Bounds`], or at random from seeds, and makes a schedule that breaks a promise as simple as it
//!   gets.
//! - A [`Sabotage`] is a deliberate bug between the code and its ports: with it, a search has to find something.
//!
//! The technique is known as deterministic simulation testing (Zhou and others, "FoundationDB", SIGMOD 2021) and, where it
//! is exhaustive, as stateless model checking (Godefroid, "Model Checking for Programming Languages using VeriSoft", POPL
//! 1997); bounded disorder is that of Musuvathi and Qadeer ("Iterative Context Bounding", PLDI 2007), and the way schedules
//! are made simpler that of Zeller and Hildebrandt ("Simplifying and Isolating Failure-Inducing Input", TSE 2002).

mod backend;
mod batch_handler;
mod clock;
mod core;
mod difference;
mod explore;
mod fault;
mod liveness;
mod operation;
mod outage;
mod ports;
mod process;
mod recording;
mod schedule;
mod search;
mod time;
mod world;

pub use backend::{QueueSettings, TopicKind};
pub use batch_handler::BatchHandler;
pub use explore::{Exploration, explore};
pub use fault::Fault;
pub use liveness::Liveness;
pub use outage::{Outage, Target, Trouble};
pub use ports::{Outside, OutsideError, Sabotage, SimulatedBucket, SimulatedQueue, SimulatedTables, SimulatedTopic};
pub use process::{Host, Process};
pub use schedule::{Bounds, FaultRates, Schedule, ScheduleError};
pub use search::{Broken, Explored, Scenario, Search, Searched};
pub use world::{EVENTS, LEDGER, World, relay_of};
