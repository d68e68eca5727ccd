//! Measures onecommit from outside: every function is a process that speaks the Lambda runtime API to a driver in here,
//! and every DynamoDB request passes a proxy that counts it. Nothing of onecommit is linked in.
#![allow(clippy::print_stdout, reason = "the tables are this program's output")]
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark runs on the real clock, with ids nobody has to repeat"
)]

mod cli;
mod commands;
mod contestants;
mod lab;
mod prices;
mod report;
mod statistics;
mod tools;
mod workload;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Cli;

/// One thread is enough for the driver, and leaves the processor to what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match until_interrupted(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("onecommit-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every process and temporary table belongs to a value inside `commands::run`: dropping that future stops them all.
async fn until_interrupted(cli: Cli) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        done = commands::run(cli) => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted; everything that was started is stopped"),
        _ = terminated.recv() => bail!("terminated; everything that was started is stopped"),
    }
}
