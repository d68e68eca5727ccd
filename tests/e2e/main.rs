//! The whole system, deployed from its template to a local AWS and driven from outside.
//!
//! All cases share one deployment and run side by side: each makes ids of its own and looks only at those. The local
//! AWS starts with the first case that needs it and ends with this process, whichever way that ends.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod api;
mod authority;
mod aws;
mod canaries;
mod cases;
mod chaos;
mod dead_letters;
mod deployment;
mod events;
mod front_doors;
mod local_aws;
mod parked;
mod patience;
mod previous;
mod processes;
mod replies;
mod rows;
mod worker;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// Cases mostly wait for each other's machine, so there are more of them at once than it has processors.
const CASES_AT_ONCE: usize = 12;
/// LocalStack takes several times as long for a request, and many at once only make each wait longer.
const CASES_AT_ONCE_ON_LOCALSTACK: usize = 6;

/// So many lines with private data are shown: they tend to be alike.
const QUOTED_SHOWN_MAX: usize = 20;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(if local_aws::is_localstack() {
        CASES_AT_ONCE_ON_LOCALSTACK
    } else {
        CASES_AT_ONCE
    });
    let conclusion = libtest_mimic::run(&arguments, cases::all());
    let every_case_ran = conclusion.num_filtered_out == 0 && conclusion.num_ignored == 0 && !conclusion.has_failed();
    // All cases send private data, and no function may have written any of it down.
    let mut quoted = deployment::lines_with_canaries(every_case_ran);
    quoted.extend(deployment::messages_with_canaries());
    for line in quoted.iter().take(QUOTED_SHOWN_MAX) {
        eprintln!("private data was quoted: {line}");
    }
    deployment::end(conclusion.has_failed() || !quoted.is_empty());
    if authority::conclude(every_case_ran) && quoted.is_empty() {
        conclusion.exit_code()
    } else {
        ExitCode::FAILURE
    }
}
